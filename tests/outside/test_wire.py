"""Compares the requests of iam-del-key with those of the AWS CLI and boto3 for each setting."""

import sys
from operator import attrgetter
from pathlib import Path

import pytest
from authority import Authority
from compatibility import DELETE, KEY, run
from row import SIGNER, Row, keys, signed
from server import BESIDE_PYTHON

HERE, NO_REGION = {"AWS_ENDPOINT_URL": "{url}"}, {"AWS_DEFAULT_REGION": None}
ELSEWHERE = "http://127.0.0.1:9"
PROCESS = 'echo \'{"Version": 1, "AccessKeyId": "AKIAPROCESSPROCESS00", "SecretAccessKey": "process"}\''
PEERS = {
    "aws": (BESIDE_PYTHON / "aws", DELETE),
    "boto3": (Path(sys.executable), [str(Path(__file__).parent / "boto3_delete.py")]),
}
# Version 1 of the AWS CLI and boto3 do not support it. Version 2 and the other SDKs read it first.
NEWER = "the region by the newer variable"


def here(name: str, variables: dict[str, str | None] | None = None, **more: object) -> Row:
    """A setting that sends requests to the cloud. By default, the key in the variables signs them."""
    return Row(name, {**HERE, **(SIGNER if variables is None else variables)}, **more)


SETTINGS = [
    here("variables"),
    here("no user name", user=""),
    *(here(f"a user name with {sign}", user=f"a{sign}b") for sign in "+=,.@-_"),
    here("a session token", {**SIGNER, "AWS_SESSION_TOKEN": "a+token/with=signs"}),
    here("an empty session token", {**SIGNER, "AWS_SESSION_TOKEN": ""}),
    here("the default profile", {}, credentials=f"[default]\n{keys('profile')}"),
    here("keys in the config file", {}, config=f"[default]\n{keys('profile')}"),
    here("a profile by variable", {"AWS_PROFILE": "work"}, credentials=f"[work]\n{keys('profile')}"),
    here("a profile by the older variable", {"AWS_DEFAULT_PROFILE": "work"}, credentials=f"[work]\n{keys('profile')}"),
    here("a profile by option", {}, credentials=f"[work]\n{keys('profile')}", options=("--profile", "work")),
    here("a profile by option, and variables", credentials=f"[work]\n{keys('profile')}", options=("--profile", "work")),
    here("a profile by variable, and variables", {**SIGNER, "AWS_PROFILE": "work"}, credentials=f"[work]\n{keys('profile')}"),
    here("a source profile is not the profile", {"AWS_PROFILE": "work"}, config=f"[profile work]\n{keys('profile')}[default]\n"),
    here("a credential process", {}, config=f"[default]\ncredential_process = {PROCESS}\n"),
    here("a container", {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{url}/credentials"}),
    here("other files", {"AWS_CONFIG_FILE": "{home}/.aws/credentials"}, credentials=f"[default]\n{keys('profile')}"),
    here("the region by variable", {**SIGNER, "AWS_DEFAULT_REGION": "eu-west-1"}),
    here("the region by the newer variable", {**SIGNER, "AWS_REGION": "eu-west-1"}),
    here("the region of the profile", {**SIGNER, **NO_REGION}, config="[default]\nregion = ap-south-1\n"),
    here("the region by option", {**SIGNER, "AWS_DEFAULT_REGION": "eu-west-1"}, options=("--region", "us-west-2")),
    here("the endpoint by option", {**SIGNER, "AWS_ENDPOINT_URL": ELSEWHERE}, options=("--endpoint-url", "{url}")),
    here("the endpoint of IAM", {**SIGNER, "AWS_ENDPOINT_URL": ELSEWHERE, "AWS_ENDPOINT_URL_IAM": "{url}"}),
    signed("the endpoint of the profile", config="[default]\nendpoint_url = {url}\n"),
    signed(
        "the endpoint of a services section",
        config="[default]\nservices = here\n[services here]\niam =\n  endpoint_url = {url}\n",
    ),
    here("no endpoint when they are to be ignored", {**SIGNER, **NO_REGION, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}),
    signed("no region", NO_REGION),
    *(
        signed(f"the host of {region}", {"AWS_DEFAULT_REGION": region, "AWS_REGION": region})
        for region in ("us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1")
    ),
    signed("the FIPS host", {"AWS_USE_FIPS_ENDPOINT": "true"}),
    signed("the dual-stack host", {**NO_REGION, "AWS_USE_DUALSTACK_ENDPOINT": "true"}),
    signed("the FIPS host by the profile", NO_REGION, config="[default]\nuse_fips_endpoint = true\n"),
]

each_setting = pytest.mark.parametrize("setting", SETTINGS, ids=attrgetter("name"))


@each_setting
def test_the_request_has_the_expected_values(setting: Row, binary: Path, tmp_path: Path, authority: Authority) -> None:
    *_, request = run(setting, binary, [], tmp_path, authority)
    user = {"UserName": setting.user} if setting.user else {}
    assert (request["action"], request["form"]) == ("DeleteAccessKey", {"Version": "2010-05-08", "AccessKeyId": KEY, **user})


@pytest.mark.parametrize("peer", PEERS)
@each_setting
def test_the_request_matches_the_peer(setting: Row, peer: str, binary: Path, tmp_path: Path, authority: Authority) -> None:
    ours = run(setting, binary, [], tmp_path / "ours", authority)
    theirs = run(setting, *PEERS[peer], tmp_path / "theirs", authority)
    assert theirs == [event | {"region": "us-east-1"} if setting.name == NEWER else event for event in ours]
