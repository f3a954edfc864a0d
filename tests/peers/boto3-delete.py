"""Deletes one access key with boto3. Usage: boto3-delete.py USER KEY"""

import sys

import boto3

boto3.client("iam").delete_access_key(UserName=sys.argv[1], AccessKeyId=sys.argv[2])
