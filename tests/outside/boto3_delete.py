"""Deletes a key with boto3. Accepts the same options as iam-del-key."""

import argparse

import boto3

parser = argparse.ArgumentParser()
parser.add_argument("--access-key-id", required=True)
parser.add_argument("--user-name")
parser.add_argument("--profile")
parser.add_argument("--region")
parser.add_argument("--endpoint-url")
given = parser.parse_args()
session = boto3.Session(profile_name=given.profile, region_name=given.region)
user = {"UserName": given.user_name} if given.user_name else {}
session.client("iam", endpoint_url=given.endpoint_url).delete_access_key(AccessKeyId=given.access_key_id, **user)
