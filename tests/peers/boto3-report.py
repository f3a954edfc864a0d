"""Deletes the access keys in a CSV file with boto3, in several threads, and prints boto3's result for each as JSON Lines.

Uses the default configuration except for the read timeout, which is one minute by default.
Usage: boto3-report.py FILE THREADS
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
    result = {"AccessKeyId": row["AccessKeyId"], "Outcome": "Deleted"}
    try:
        client.delete_access_key(UserName=row["UserName"], AccessKeyId=row["AccessKeyId"])
    except ClientError as error:
        result |= {"Outcome": "Failed", "Error": {"Code": error.response["Error"]["Code"]}}
    except Exception as error:
        result |= {"Outcome": "Failed", "Error": {"Code": type(error).__name__}}
    return result


with open(sys.argv[1], newline="") as file, ThreadPoolExecutor(threads) as pool:
    for result in pool.map(delete, csv.DictReader(file)):
        print(json.dumps(result))
