"""Rows for the session key that signs: roles, web identities, containers, instances and SSO."""

import json
from hashlib import sha1

from identity import PROCESS
from pair import login, pair
from row import Row, keys, profile, signed

ROLE = "role_arn = arn:aws:iam::123456789012:role/one\n"
TWO = "role_arn = arn:aws:iam::123456789012:role/two\n"
FROM_SOURCE = profile("default", f"{ROLE}source_profile = source\n")
SOURCE = profile("profile source")
WEB = {"AWS_WEB_IDENTITY_TOKEN_FILE": "{home}/token", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/web"}
TOKEN = {"token": "a-jwt"}
INSTANCE = {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "{url}"}
CONTAINER = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{url}/container"}
ALONE = "`--profile` names whose credentials sign; the machine's own are not an alternative"
V2_ONLY = "only version 2 of the instance metadata service is supported"
SSO = "sso_account_id = 123456789012\nsso_role_name = admin\n"
PORTAL = {"AWS_ENDPOINT_URL_SSO": "{url}"}


def cached(name: str) -> dict[str, str]:
    token = {
        "accessToken": "sso-token",
        "expiresAt": "2099-01-01T00:00:00Z",
        "region": "us-east-1",
        "startUrl": "https://start.example",
    }
    return {f".aws/sso/cache/{sha1(name.encode()).hexdigest()}.json": json.dumps(token)}


ROLES = [
    Row("`role_arn`, `source_profile`", config=FROM_SOURCE + SOURCE),
    Row("`source_profile` with a key in `credentials`", config=FROM_SOURCE, credentials=profile("source")),
    Row("`source_profile` with a token", config=FROM_SOURCE + SOURCE + "aws_session_token = source\n"),
    Row("`source_profile` with `aws_security_token`", config=FROM_SOURCE + SOURCE + "aws_security_token = old\n"),
    Row("`source_profile` is the profile", config=profile("default") + f"{ROLE}source_profile = default\n"),
    Row("`source_profile` with `credential_process`", config=FROM_SOURCE + profile("profile source", PROCESS)),
    Row(
        "a chain of roles",
        config=profile("default", f"{TWO}source_profile = middle\n")
        + profile("profile middle", f"{ROLE}source_profile = source\n")
        + SOURCE,
    ),
    Row(
        "a loop of roles",
        config=profile("default", f"{TWO}source_profile = middle\n")
        + profile("profile middle", f"{ROLE}source_profile = default\n"),
    ),
    Row("`source_profile` that does not exist", config=FROM_SOURCE),
    Row("`role_arn` alone", config=profile("default", ROLE)),
    Row(
        "`external_id`, `role_session_name`",
        config=profile("default", f"{ROLE}source_profile = source\nexternal_id = outside\nrole_session_name = me\n")
        + SOURCE,
    ),
    Row(
        "`duration_seconds`",
        config=profile("default", f"{ROLE}source_profile = source\nduration_seconds = 900\n") + SOURCE,
    ),
    Row("`mfa_serial`", config=FROM_SOURCE.replace("source_profile", "mfa_serial = x\nsource_profile") + SOURCE),
    Row(
        "`role_arn` by `--profile`",
        config=FROM_SOURCE.replace("default", "profile work") + SOURCE,
        options=("--profile", "work"),
    ),
    signed("`role_arn` and variables", config=FROM_SOURCE + SOURCE),
    signed(
        "`credential_source = Environment`",
        {"AWS_PROFILE": "work"},
        config=profile("profile work", f"{ROLE}credential_source = Environment\n"),
        options=("--profile", "work"),
    ),
    Row(
        "`credential_source = EcsContainer`",
        CONTAINER,
        config=profile("default", f"{ROLE}credential_source = EcsContainer\n"),
    ),
    Row(
        "`credential_source = Ec2InstanceMetadata`",
        INSTANCE,
        config=profile("default", f"{ROLE}credential_source = Ec2InstanceMetadata\n"),
    ),
    Row("`AWS_ENDPOINT_URL_STS`", {"AWS_ENDPOINT_URL_STS": "{url}/sts"}, config=FROM_SOURCE + SOURCE),
    Row("`AWS_ENDPOINT_URL` and a role", {"AWS_ENDPOINT_URL": "{url}/all"}, config=FROM_SOURCE + SOURCE),
    Row("`--endpoint-url` and a role", config=FROM_SOURCE + SOURCE, options=("--endpoint-url", "{url}/given")),
    Row(
        "`endpoint_url` of `services` for STS",
        {"AWS_PROFILE": "work"},
        config=profile("profile work", f"{ROLE}source_profile = source\nservices = here\n")
        + SOURCE
        + "[services here]\nsts =\n  endpoint_url = {url}/sts\n",
    ),
    Row(
        "`services` for STS, by `--profile`",
        options=("--profile", "work"),
        config=profile("profile work", f"{ROLE}source_profile = source\nservices = here\n")
        + SOURCE
        + "[services here]\nsts =\n  endpoint_url = {url}/sts\n",
    ),
    Row(
        "`AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` and a role",
        {
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
            "AWS_ENDPOINT_URL_STS": "{url}/sts",
            "AWS_ENDPOINT_URL": "{url}/all",
        },
        config=FROM_SOURCE + SOURCE,
    ),
    Row(
        "`AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`, nothing to ignore, and a role",
        {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
        config=FROM_SOURCE + SOURCE,
    ),
    Row(
        "`source_profile` with a token in the other file",
        config=FROM_SOURCE + "[profile source]\naws_session_token = token\n",
        credentials=profile("source"),
    ),
    Row(
        "`source_profile` with keys in both files",
        config=FROM_SOURCE + profile("profile source", keys("config")),
        credentials=profile("source"),
    ),
    Row("`source_profile` with keys and `credential_process`", config=FROM_SOURCE + SOURCE + PROCESS),
    Row("the region of a role", {"AWS_DEFAULT_REGION": None}, config=FROM_SOURCE + "region = eu-west-1\n" + SOURCE),
    Row("the region of a role's source", config=FROM_SOURCE + SOURCE + "region = eu-west-1\n"),
    Row(
        "`AWS_STS_REGIONAL_ENDPOINTS = legacy`",
        {"AWS_STS_REGIONAL_ENDPOINTS": "legacy"},
        config=FROM_SOURCE + SOURCE,
        why="always the STS of the region, as in version 2",
    ),
    Row("`sts_regional_endpoints = regional`", config=FROM_SOURCE + "sts_regional_endpoints = regional\n" + SOURCE),
    Row("`AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ROLE_ARN`", WEB, files=TOKEN),
    Row("`AWS_ROLE_SESSION_NAME`", WEB | {"AWS_ROLE_SESSION_NAME": "me"}, files=TOKEN),
    Row("`AWS_WEB_IDENTITY_TOKEN_FILE` without a role", WEB | {"AWS_ROLE_ARN": None}, files=TOKEN),
    Row("web identity, and `[default]`", WEB, files=TOKEN, credentials=profile("default")),
    Row("web identity, and `AWS_PROFILE`", WEB | {"AWS_PROFILE": "work"}, files=TOKEN, credentials=profile("work")),
    Row("web identity, and `--profile`", WEB, files=TOKEN, credentials=profile("work"), options=("--profile", "work")),
    Row(
        "web identity, and `services` for STS",
        WEB,
        files=TOKEN,
        config="[default]\nservices = here\n[services here]\nsts =\n  endpoint_url = {url}/sts\n",
    ),
    Row("web identity, and `role_arn` of the profile", WEB, files=TOKEN, config=FROM_SOURCE + SOURCE),
    signed("web identity, and variables", WEB, files=TOKEN),
    Row(
        "`web_identity_token_file`",
        files=TOKEN,
        config=profile("default", f"{ROLE}web_identity_token_file = {{home}}/token\n"),
    ),
    Row(
        "`web_identity_token_file`, `role_session_name`",
        files=TOKEN,
        config=profile("default", f"{ROLE}web_identity_token_file = {{home}}/token\nrole_session_name = me\n"),
    ),
    Row(
        "`web_identity_token_file`, and the variables",
        WEB,
        files=TOKEN | {"own": "another-jwt"},
        config=profile("default", f"{ROLE}web_identity_token_file = {{home}}/own\nrole_session_name = me\n"),
    ),
    Row(
        "`AWS_WEB_IDENTITY_TOKEN_FILE`, `role_arn` of the profile",
        WEB | {"AWS_ROLE_ARN": None},
        files=TOKEN,
        config=profile("default", f"{ROLE}web_identity_token_file = {{home}}/own\n"),
    ),
    Row("`AWS_CONTAINER_CREDENTIALS_FULL_URI`", CONTAINER),
    Row("`AWS_CONTAINER_AUTHORIZATION_TOKEN`", CONTAINER | {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "token"}),
    Row(
        "`AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`",
        CONTAINER
        | {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "token", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "{home}/token"},
        files=TOKEN,
    ),
    Row("a container, and `[default]`", CONTAINER, credentials=profile("default")),
    Row("a container, and a profile without keys", CONTAINER | {"AWS_PROFILE": "work"}, config="[profile work]\n"),
    Row(
        "a container, and `--profile` without keys",
        CONTAINER,
        config="[profile work]\n",
        options=("--profile", "work"),
        why=ALONE,
    ),
    Row("a container, and an instance", CONTAINER | INSTANCE),
    Row("`AWS_EC2_METADATA_SERVICE_ENDPOINT`", INSTANCE),
    Row("`AWS_EC2_METADATA_DISABLED`", INSTANCE | {"AWS_EC2_METADATA_DISABLED": "true"}),
    Row(
        "`ec2_metadata_service_endpoint`",
        {"AWS_EC2_METADATA_DISABLED": "false"},
        config="[default]\nec2_metadata_service_endpoint = {url}\n",
    ),
    Row(
        "`ec2_metadata_service_endpoint` of `AWS_DEFAULT_PROFILE`",
        {"AWS_EC2_METADATA_DISABLED": "false", "AWS_DEFAULT_PROFILE": "work"},
        config="[profile work]\nec2_metadata_service_endpoint = {url}\n",
    ),
    Row(
        "`AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE = IPv6`", INSTANCE | {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"}
    ),
    Row("`AWS_IMDS_USE_IPV6`", INSTANCE | {"AWS_IMDS_USE_IPV6": "true"}),
    Row("`AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE = x`", INSTANCE | {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "x"}),
    Row("an instance that offers only IMDSv1", INSTANCE, faults=frozenset({"no token"}), why=V2_ONLY),
    Row(
        "`AWS_EC2_METADATA_V1_DISABLED`",
        INSTANCE | {"AWS_EC2_METADATA_V1_DISABLED": "true"},
        faults=frozenset({"no token"}),
    ),
    Row(
        "`ec2_metadata_v1_disabled`",
        INSTANCE,
        faults=frozenset({"no token"}),
        config="[default]\nec2_metadata_v1_disabled = true\n",
    ),
    Row("`imds_use_ipv6`", INSTANCE, config="[default]\nimds_use_ipv6 = true\n"),
    Row(
        "`ec2_metadata_service_endpoint_mode = x`",
        INSTANCE,
        config="[default]\nec2_metadata_service_endpoint_mode = x\n",
    ),
    Row(
        "`AWS_METADATA_SERVICE_NUM_ATTEMPTS`, `_TIMEOUT`",
        INSTANCE
        | {
            "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "3",
            "AWS_METADATA_SERVICE_TIMEOUT": "2",
            "AWS_EC2_METADATA_V1_DISABLED": "true",
        },
        faults=frozenset({"once"}),
    ),
    Row(
        "`metadata_service_num_attempts`, `_timeout`",
        INSTANCE | {"AWS_EC2_METADATA_V1_DISABLED": "true"},
        faults=frozenset({"once"}),
        config="[default]\nmetadata_service_num_attempts = 3\nmetadata_service_timeout = 2\n",
    ),
    Row(
        "`sso_session`",
        PORTAL,
        config=f"[default]\nsso_session = mine\n{SSO}[sso-session mine]\nsso_region = us-east-1\n"
        "sso_start_url = https://start.example\n",
        files=cached("mine"),
    ),
    Row(
        "`sso_start_url`",
        PORTAL,
        config=f"[default]\n{SSO}sso_region = us-east-1\nsso_start_url = https://start.example\n",
        files=cached("https://start.example"),
    ),
    Row(
        "`sso_session`, and keys in `credentials`",
        PORTAL,
        credentials=profile("default"),
        files=cached("mine"),
        config=f"[default]\nsso_session = mine\n{SSO}[sso-session mine]\nsso_region = us-east-1\nsso_start_url = https://start.example\n",
    ),
    pair("`login_session`", login()).row._replace(why="version 1 needs the Python package awscrt for it"),
]
