"""Settings with two sources of credentials, to show which one signs, and how an incomplete source affects the other.

Each pair is a recorded setting like the others: `recorded/pairs-2.36.7.json` has the requests of AWS CLI version 2.
.github/CONTRIBUTING.md explains how to add one."""

import json
from collections.abc import Mapping
from hashlib import sha1, sha256
from itertools import combinations
from typing import NamedTuple

from cloud import key
from row import SIGNER, Row

# Settings by place and name: `AWS_X`, `--option`, `config/SECTION/NAME`, `credentials/SECTION/NAME`, `file/PATH`,
# `fault/NAME` of the cloud, `unreadable/PATH`. None removes a setting.
Settings = Mapping[str, str | None]

ROLE = "arn:aws:iam::123456789012:role/one"
DEVICE = "arn:aws:iam::123456789012:mfa/me"
FUTURE, PAST = "2099-01-01T00:00:00Z", "2020-01-01T00:00:00Z"
TOKEN = {"file/token": "a-jwt"}
NO_PROFILE = {"unknown": "no", "empty": ""}


def static(place: str, name: str) -> dict[str, str]:
    """A key with this name in a section of a file."""
    return {f"{place}/aws_access_key_id": key(name), f"{place}/aws_secret_access_key": name}


def halves_of_key(identifier: str, secret: str) -> dict[str, Settings]:
    return {
        "without secret": {secret: None},
        "without ID": {identifier: None},
        "empty secret": {secret: ""},
        "empty ID": {identifier: ""},
    }


def halves_of_file(file: str) -> dict[str, Settings]:
    place = f"{file}/default"
    halves = halves_of_key(f"{place}/aws_access_key_id", f"{place}/aws_secret_access_key")
    return {**halves, "unreadable": {f"unreadable/.aws/{file}": ""}}


def named_by(variable: str, name: str, region: str) -> tuple[Settings, dict[str, Settings]]:
    """A profile with a key and its own region, and variants that cannot be used."""
    section = f"credentials/{name}"
    whole = {variable: name, f"config/profile {name}/region": region, **static(section, name)}
    without = {f"{section}/aws_access_key_id": None, f"{section}/aws_secret_access_key": None}
    return whole, {what: {variable: value} for what, value in NO_PROFILE.items()} | {"without a key": without}


def of_default(**settings: str | None) -> Settings:
    return {f"config/default/{name}": value for name, value in settings.items()}


def process(**members: str) -> str:
    printed = {"Version": 1, "AccessKeyId": key("process"), "SecretAccessKey": "p"} | members
    return f"echo '{json.dumps(printed)}'"


def sso(name: str, expires: str = FUTURE, account: str = "12") -> dict[str, str]:
    """The cached token for a session or a start URL."""
    token = {"accessToken": account, "expiresAt": expires, "region": "us-east-1", "startUrl": "https://start.example"}
    return {f"file/.aws/sso/cache/{sha1(name.encode()).hexdigest()}.json": json.dumps(token)}


def login(expires: str = FUTURE) -> dict[str, str]:
    user = "arn:aws:iam::123456789012:user/me"
    credentials = {"accessKeyId": key("login"), "secretAccessKey": "login", "sessionToken": "login"}
    credentials |= {"accountId": "123456789012", "expiresAt": expires}
    session = {"accessToken": credentials, "clientId": "c", "refreshToken": "r1", "dpopKey": "k"}
    file = f"file/.aws/login/cache/{sha256(user.encode()).hexdigest()}.json"
    return {"config/default/login_session": user, file: json.dumps(session)}


def cached(role: str = "one", expires: str = FUTURE, **parameters: str) -> dict[str, str]:
    """A cached session of a role, as STS would return it."""
    credentials = {"AccessKeyId": key(f"ROLE{role}"), "SecretAccessKey": "role", "SessionToken": role}
    credentials["Expiration"] = expires
    user = {"AssumedRoleId": "AROAX:me", "Arn": f"arn:aws:sts::123456789012:assumed-role/{role}/me"}
    name = sha1(json.dumps({"RoleArn": ROLE, **parameters}, sort_keys=True).encode()).hexdigest()
    return {f"file/.aws/cli/cache/{name}.json": json.dumps({"Credentials": credentials, "AssumedRoleUser": user})}


SESSION = of_default(sso_session="mine", sso_account_id="123456789012", sso_role_name="admin") | {
    "config/sso-session mine/sso_region": "us-east-1",
    "config/sso-session mine/sso_start_url": "https://start.example",
}
PORTAL = of_default(
    sso_account_id="123456789034",
    sso_role_name="admin",
    sso_region="us-east-1",
    sso_start_url="https://start.example",
)
WEB = {"AWS_WEB_IDENTITY_TOKEN_FILE": "{home}/token", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/web", **TOKEN}
PROFILE_WEB = of_default(role_arn=ROLE, web_identity_token_file="{home}/token") | TOKEN
ASSUMED = of_default(role_arn=ROLE, source_profile="source") | static("config/profile source", "source")
MFA = ASSUMED | {"config/default/mfa_serial": DEVICE}
CONTAINER = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{url}/container"}
INSTANCE = {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "{url}"}
OPTIONS = {"--role-arn": "arn:aws:iam::123456789012:role/given", "--role-session-name": "me"}
# The sources by name: the complete settings, and the incomplete variants by name.
SOURCES: dict[str, tuple[Settings, dict[str, Settings]]] = {
    "--profile": named_by("--profile", "work", "eusc-de-east-1"),
    "AWS_PROFILE": named_by("AWS_PROFILE", "first", "us-iso-east-1"),
    "AWS_DEFAULT_PROFILE": named_by("AWS_DEFAULT_PROFILE", "second", "ap-south-1"),
    "variables": (
        SIGNER,
        {
            **halves_of_key(*SIGNER),
            "expired": {"AWS_CREDENTIAL_EXPIRATION": PAST},
            "token alone": {**dict.fromkeys(SIGNER), "AWS_SESSION_TOKEN": "stray"},
        },
    ),
    "credentials": (static("credentials/default", "credentials"), halves_of_file("credentials")),
    "config": (static("config/default", "config"), halves_of_file("config")),
    "SSO session": (
        SESSION | sso("mine"),
        {
            "expired": sso("mine", PAST),
            "without token": dict.fromkeys(sso("mine")),
            "without role": of_default(sso_role_name=None),
            "without URL": {"config/sso-session mine/sso_start_url": None},
            "without section": dict.fromkeys(name for name in SESSION if "sso-session" in name),
            "empty region": of_default(sso_region=""),
            "empty URL": of_default(sso_start_url=""),
        },
    ),
    "SSO": (
        PORTAL | sso("https://start.example", account="34"),
        {
            "expired": sso("https://start.example", PAST),
            "refused": {"fault/sso401": ""},
            "without account": of_default(sso_account_id=None),
        },
    ),
    "login": (login(), {"expired": login(PAST), "without session": of_default(login_session="no")}),
    "process": (
        of_default(credential_process=process()),
        {
            "failing": of_default(credential_process="false"),
            "expired": of_default(credential_process=process(Expiration=PAST)),
            "without secret": of_default(credential_process=process(SecretAccessKey="")),
            "empty": of_default(credential_process=""),
        },
    ),
    "web variables": (
        WEB,
        {
            "without role": {"AWS_ROLE_ARN": None},
            "role alone": {"AWS_WEB_IDENTITY_TOKEN_FILE": None},
            "without token": dict.fromkeys(TOKEN),
            "empty token file": {"AWS_WEB_IDENTITY_TOKEN_FILE": ""},
            "empty role": {"AWS_ROLE_ARN": ""},
            "empty session name": {"AWS_ROLE_SESSION_NAME": ""},
            "unreadable": {"unreadable/token": ""},
        },
    ),
    "web profile": (
        PROFILE_WEB,
        {
            "without role": of_default(role_arn=None),
            "without token": dict.fromkeys(TOKEN),
            "empty variable of the token file": {"AWS_WEB_IDENTITY_TOKEN_FILE": ""},
            "empty variable of the role": {"AWS_ROLE_ARN": ""},
            "empty variable of the session name": of_default(role_session_name="me") | {"AWS_ROLE_SESSION_NAME": ""},
        },
    ),
    "role": (
        ASSUMED,
        {
            "without source": of_default(source_profile=None),
            "unknown source": of_default(source_profile="no"),
            "empty role": of_default(role_arn=""),
            "empty MFA device": of_default(mfa_serial=""),
            "source without secret": {"config/profile source/aws_secret_access_key": None},
            "denied": {"fault/stsdenied": ""},
            "cached": cached(),
        },
    ),
    "role of variables": (of_default(role_arn=ROLE, credential_source="Environment"), {}),
    "role of container": (of_default(role_arn=ROLE, credential_source="EcsContainer"), {}),
    "role of instance": (
        of_default(role_arn=ROLE, credential_source="Ec2InstanceMetadata"),
        {"empty": of_default(credential_source="")},
    ),
    "cached session": (
        MFA | cached(SerialNumber=DEVICE),
        {
            "expired": cached(expires=PAST, SerialNumber=DEVICE),
            "of another role": cached("two", SerialNumber=DEVICE),
            "without session": dict.fromkeys(cached(SerialNumber=DEVICE)),
        },
    ),
    "container": (
        CONTAINER,
        {
            "empty": dict.fromkeys(CONTAINER, ""),
            "without token": {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "{home}/no"},
        },
    ),
    "instance": (INSTANCE, {"disabled": {"AWS_EC2_METADATA_DISABLED": "true"}}),
    "--role-arn": (OPTIONS, {"without role": {"--role-arn": None}}),
}
REGIONS: dict[str, Settings] = {
    "--region": {"--region": "us-west-2"},
    "AWS_REGION": {"AWS_REGION": "cn-north-1"},
    "AWS_DEFAULT_REGION": {"AWS_DEFAULT_REGION": "us-gov-west-1"},
}
EVERYWHERE = {"AWS_DEFAULT_REGION": None, "config/default/region": "eu-west-1"}


class Pair(NamedTuple):
    row: Row
    unreadable: str | None


def pairs() -> list[Pair]:
    """Each complete and incomplete source, alone and with each other source, and again in a profile for `--profile`."""
    found: dict[frozenset[tuple[str, str | None]], Pair] = {}

    def add(name: str, settings: Settings) -> None:
        found.setdefault(frozenset(settings.items()), pair(name, settings))

    for source, (whole, halves) in SOURCES.items():
        variants = {source: whole} | {f"{source} {what}": whole | half for what, half in halves.items()}
        for name, settings in variants.items():
            named = moved(settings)
            add(name, settings)
            add(f"{name} by --profile", named)
            for other, (rest, _) in SOURCES.items():
                both = rest | settings
                if both not in (rest, settings):
                    add(f"{name} + {other}", both)
                if named != settings and moved(rest) == rest and other != "--profile":
                    add(f"{name} by --profile + {other}", rest | named)
        for region, setting in REGIONS.items():
            add(f"{source} + {region}", whole | setting)
    for one, other in combinations(REGIONS, 2):
        add(f"{one} + {other}", REGIONS[one] | REGIONS[other] | SIGNER)
    return list(found.values())


def moved(settings: Settings) -> Settings:
    """Moves the settings to another profile, which `--profile` selects."""
    places = {"config/default/": "config/profile mine/", "credentials/default/": "credentials/mine/"}
    found = dict(settings)
    for place, elsewhere in places.items():
        found = {name.replace(place, elsewhere): value for name, value in found.items()}
    return settings if found == settings else found | {"--profile": "mine", "config/profile mine/region": "us-west-2"}


def pair(name: str, settings: Settings) -> Pair:
    """The setting as a row."""
    settings = EVERYWHERE | settings
    kinds: dict[str, dict[str, str]] = {}
    for place, value in settings.items():
        if value is not None:
            kind, _, rest = place.partition("/")
            kinds.setdefault(kind, {})[rest] = value
    row = Row(
        name,
        {place: value for place, value in settings.items() if place.startswith("AWS_")},
        sections(kinds.get("config", {})),
        sections(kinds.get("credentials", {})),
        tuple(word for kind, values in kinds.items() if kind.startswith("--") for word in (kind, *values.values())),
        kinds.get("file", {}),
        frozenset(kinds.get("fault", ())),
    )
    return Pair(row, next(iter(kinds.get("unreadable", ())), None))


def sections(lines: Mapping[str, str]) -> str:
    found: dict[str, str] = {}
    for place, value in lines.items():
        section, _, name = place.partition("/")
        found[section] = found.get(section, f"[{section}]\n") + f"{name} = {value}\n"
    return "".join(found.values())
