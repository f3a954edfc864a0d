"""Deletes the access keys in a CSV file with boto3, in several threads. Usage: boto3-delete-many.py FILE THREADS"""

import csv
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

threads = int(sys.argv[2])
client = boto3.client("iam", config=Config(max_pool_connections=threads))


def delete(row: dict[str, str]) -> None:
    client.delete_access_key(UserName=row["UserName"], AccessKeyId=row["AccessKeyId"])


with open(sys.argv[1], newline="") as file, ThreadPoolExecutor(threads) as pool:
    list(pool.map(delete, csv.DictReader(file)))
