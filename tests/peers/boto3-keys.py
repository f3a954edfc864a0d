"""Prints all access keys of all users with boto3, one USER and KEY per line."""

import boto3

iam = boto3.client("iam")
for users in iam.get_paginator("list_users").paginate():
    for user in users["Users"]:
        for keys in iam.get_paginator("list_access_keys").paginate(UserName=user["UserName"]):
            for key in keys["AccessKeyMetadata"]:
                print(key["UserName"], key["AccessKeyId"])
