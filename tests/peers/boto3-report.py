"""Deletes the access keys of a CSV file with boto3, in threads, and prints what boto3 says of each, as JSON Lines.

Nothing is set but the time an answer may take, which is a minute otherwise. Usage: boto3-report.py FILE THREADS
"""

import csv
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

threads = int(sys.argv[2])
client = boto3.client("iam", config=Config(max_pool_connections=threads, read_timeout=1))


def delete(row: dict[str, str]) -> dict:
    told = {"AccessKeyId": row["AccessKeyId"], "Outcome": "Deleted"}
    try:
        client.delete_access_key(UserName=row["UserName"], AccessKeyId=row["AccessKeyId"])
    except ClientError as error:
        told |= {"Outcome": "Failed", "Error": {"Code": error.response["Error"]["Code"]}}
    except Exception as error:
        told |= {"Outcome": "Failed", "Error": {"Code": type(error).__name__}}
    return told


with open(sys.argv[1], newline="") as file, ThreadPoolExecutor(threads) as pool:
    for told in pool.map(delete, csv.DictReader(file)):
        print(json.dumps(told))
