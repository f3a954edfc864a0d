"""The settings under which the requests are compared: options, variables and configuration files."""

from pathlib import Path
from typing import NamedTuple

KEY = "AKIDPMS9RO4H3FEXAMPLE"
KEYS = "aws_access_key_id = AKIAPROFILEPROFILE00\naws_secret_access_key = profile\n"
VARIABLES = {"AWS_ACCESS_KEY_ID": "AKIAVARIABLEVARIABLE", "AWS_SECRET_ACCESS_KEY": "variable"}
HERE = {"AWS_ENDPOINT_URL": "{url}"}
# The AWS CLI and boto3 do not start without a region; iam-del-key needs none.
REGION = {"AWS_DEFAULT_REGION": "us-east-1"}
ELSEWHERE = "http://127.0.0.1:9"
PROCESS = 'echo \'{"Version": 1, "AccessKeyId": "AKIAPROCESSPROCESS00", "SecretAccessKey": "process"}\''


class Setting(NamedTuple):
    """One setting. `{url}` stands for the recorder and `{home}` for the home folder."""

    name: str
    variables: dict[str, str] = {}
    config: str = ""
    credentials: str = ""
    more: tuple[str, ...] = ()
    user: str = "Bob"
    peers_region: str | None = None
    """What version 1 of the AWS CLI and boto3 sign for, where it is another region."""

    def options(self, url: str) -> list[str]:
        user = ["--user-name", self.user] if self.user else []
        return ["--access-key-id", KEY, *user, *(word.format(url=url) for word in self.more)]

    def environment(self, url: str, home: Path) -> dict[str, str]:
        # What leads nowhere but to loopback, whatever a program makes of the rest.
        safe = {"HTTPS_PROXY": url, "AWS_MAX_ATTEMPTS": "1"}
        return safe | {name: value.format(url=url, home=home) for name, value in self.variables.items()}

    def write(self, url: str, home: Path) -> None:
        folder = home / ".aws"
        folder.mkdir(exist_ok=True)
        (folder / "config").write_text(self.config.replace("{url}", url))
        (folder / "credentials").write_text(self.credentials.replace("{url}", url))


def here(name: str, variables: dict[str, str] | None = None, **more: object) -> Setting:
    """A setting whose requests come to the recorder, signed with the variables unless said otherwise."""
    return Setting(name, {**HERE, **REGION, **(VARIABLES if variables is None else variables)}, **more)


SETTINGS = [
    here("variables"),
    here("no user name", user=""),
    *(here(f"a user name with {sign}", user=f"a{sign}b") for sign in "+=,.@-_"),
    here("a session token", {**VARIABLES, "AWS_SESSION_TOKEN": "a+token/with=signs"}),
    here("an empty session token", {**VARIABLES, "AWS_SESSION_TOKEN": ""}),
    here("the default profile", {}, credentials=f"[default]\n{KEYS}"),
    here("keys in the config file", {}, config=f"[default]\n{KEYS}"),
    here("a profile by variable", {"AWS_PROFILE": "work"}, credentials=f"[work]\n{KEYS}"),
    here("a profile by the older variable", {"AWS_DEFAULT_PROFILE": "work"}, credentials=f"[work]\n{KEYS}"),
    here("a profile by option", {}, credentials=f"[work]\n{KEYS}", more=("--profile", "work")),
    here("a profile by option, and variables", credentials=f"[work]\n{KEYS}", more=("--profile", "work")),
    here("a profile by variable, and variables", {**VARIABLES, "AWS_PROFILE": "work"}, credentials=f"[work]\n{KEYS}"),
    here("a source profile is not the profile", {"AWS_PROFILE": "work"}, config=f"[profile work]\n{KEYS}[default]\n"),
    here("a credential process", {}, config=f"[default]\ncredential_process = {PROCESS}\n"),
    here("a container", {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{url}/credentials"}),
    here("other files", {"AWS_CONFIG_FILE": "{home}/.aws/credentials"}, credentials=f"[default]\n{KEYS}"),
    here("the region by variable", {**VARIABLES, "AWS_DEFAULT_REGION": "eu-west-1"}),
    # Version 1 and boto3 do not know it. Version 2 and the other SDKs read it first.
    here("the region by the newer variable", {**VARIABLES, "AWS_REGION": "eu-west-1"}, peers_region="us-east-1"),
    Setting("the region of the profile", {**HERE, **VARIABLES}, config="[default]\nregion = ap-south-1\n"),
    here("the region by option", {**VARIABLES, "AWS_DEFAULT_REGION": "eu-west-1"}, more=("--region", "us-west-2")),
    here("the endpoint by option", {**VARIABLES, "AWS_ENDPOINT_URL": ELSEWHERE}, more=("--endpoint-url", "{url}")),
    here("the endpoint of IAM", {**VARIABLES, "AWS_ENDPOINT_URL": ELSEWHERE, "AWS_ENDPOINT_URL_IAM": "{url}"}),
    Setting("the endpoint of the profile", {**REGION, **VARIABLES}, config="[default]\nendpoint_url = {url}\n"),
    Setting(
        "the endpoint of a services section",
        {**REGION, **VARIABLES},
        config="[default]\nservices = here\n[services here]\niam =\n  endpoint_url = {url}\n",
    ),
    Setting(
        "no endpoint when they are to be ignored",
        {**VARIABLES, **HERE, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
    ),
    Setting("no region", VARIABLES),
    *(
        Setting(f"the host of {region}", {**VARIABLES, "AWS_DEFAULT_REGION": region, "AWS_REGION": region})
        for region in ("us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1")
    ),
    Setting("the FIPS host", {**VARIABLES, "AWS_USE_FIPS_ENDPOINT": "true", "AWS_DEFAULT_REGION": "us-east-1"}),
    Setting("the dual-stack host", {**VARIABLES, "AWS_USE_DUALSTACK_ENDPOINT": "true"}),
    Setting("the FIPS host by the profile", VARIABLES, config="[default]\nuse_fips_endpoint = true\n"),
]
