"""Rows for the key that signs: variables, profiles and processes."""

from cloud import key
from row import Row, keys, profile, signed

PROCESS = f'credential_process = echo \'{{"Version": 1, "AccessKeyId": "{key("process")}", "SecretAccessKey": "p"}}\'\n'
WORK = profile("profile work")
LEGACY = "a file for tools that AWS has retired, which no other SDK reads; copy the key to `~/.aws/credentials`"

IDENTITY = [
    signed("`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`"),
    signed("`AWS_SESSION_TOKEN`", {"AWS_SESSION_TOKEN": "new+/="}),
    signed("an empty `AWS_SESSION_TOKEN`", {"AWS_SESSION_TOKEN": ""}),
    signed("`AWS_SECURITY_TOKEN`", {"AWS_SECURITY_TOKEN": "old"}),
    signed("`AWS_SECURITY_TOKEN` and `AWS_SESSION_TOKEN`", {"AWS_SECURITY_TOKEN": "old", "AWS_SESSION_TOKEN": "new"}),
    signed("`AWS_CREDENTIAL_EXPIRATION` in the past", {"AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z"}),
    signed("`AWS_CREDENTIAL_EXPIRATION` in the future", {"AWS_CREDENTIAL_EXPIRATION": "2099-01-01T00:00:00Z"}),
    signed("`AWS_ACCESS_KEY_ID` without a secret", {"AWS_SECRET_ACCESS_KEY": None}, credentials=profile("default")),
    Row(
        "`AWS_SECRET_ACCESS_KEY` without an ID",
        {"AWS_SECRET_ACCESS_KEY": "x"},
        credentials=profile("default"),
        why="half a key is an error, not a reason to sign with another key",
    ),
    signed("variables and `[default]`", credentials=profile("default")),
    Row("`[default]` in `credentials`", credentials=profile("default")),
    Row("`[default]` in `config`", config=profile("default")),
    Row("`[profile default]` in `config`", config=profile("profile default")),
    Row("`[default]` in both: keys differ", config=profile("default", keys("config")), credentials=profile("default")),
    Row(
        "a key in `credentials`, a token in `config`",
        config="[default]\naws_session_token = token\n",
        credentials=profile("default"),
    ),
    Row("`aws_session_token`", credentials=profile("default") + "aws_session_token = new\n"),
    Row("`aws_security_token`", credentials=profile("default") + "aws_security_token = old\n"),
    Row(
        "`aws_security_token` and `aws_session_token`",
        credentials=profile("default") + "aws_session_token = new\naws_security_token = old\n",
    ),
    Row("no credentials"),
    Row("`AWS_PROFILE`, `[profile work]` in `config`", {"AWS_PROFILE": "work"}, config=WORK),
    Row("`AWS_PROFILE`, `[work]` in `config`", {"AWS_PROFILE": "work"}, config=profile("work")),
    Row("`AWS_PROFILE`, `[work]` in `credentials`", {"AWS_PROFILE": "work"}, credentials=profile("work")),
    Row("`AWS_PROFILE`, `[profile work]` in `credentials`", {"AWS_PROFILE": "work"}, credentials=WORK),
    Row(
        "`AWS_PROFILE`, keys in `credentials`, region in `config`",
        {"AWS_PROFILE": "work", "AWS_DEFAULT_REGION": None},
        config="[profile work]\nregion = cn-north-1\n",
        credentials=profile("work"),
    ),
    Row("`AWS_PROFILE` that does not exist", {"AWS_PROFILE": "no"}, credentials=profile("default")),
    Row("an empty `AWS_PROFILE`", {"AWS_PROFILE": ""}, credentials=profile("default")),
    Row("`AWS_DEFAULT_PROFILE`", {"AWS_DEFAULT_PROFILE": "work"}, config=WORK),
    Row(
        "`AWS_PROFILE` and `AWS_DEFAULT_PROFILE`",
        {"AWS_PROFILE": "first", "AWS_DEFAULT_PROFILE": "second"},
        credentials=profile("first") + profile("second"),
        why="version 2 and all SDKs read `AWS_PROFILE` first",
    ),
    Row("`--profile`", config=WORK, options=("--profile", "work")),
    Row(
        "`--profile` and `AWS_PROFILE`",
        {"AWS_PROFILE": "first"},
        options=("--profile", "work"),
        credentials=profile("first") + profile("work"),
    ),
    Row("`--profile` that does not exist", credentials=profile("default"), options=("--profile", "no")),
    signed("`--profile` and variables", config=WORK, options=("--profile", "work")),
    signed("`AWS_PROFILE` and variables", {"AWS_PROFILE": "work"}, config=WORK),
    signed("`AWS_PROFILE` that does not exist, and variables", {"AWS_PROFILE": "no"}),
    Row(
        '`[profile "my work"]`',
        {"AWS_PROFILE": "my work"},
        config=profile('profile "my work"', keys("work")),
    ),
    Row("keys of a profile in capitals", config=profile("default").replace("aws_access_key_id", "AWS_ACCESS_KEY_ID")),
    Row(
        "`AWS_CONFIG_FILE`",
        {"AWS_CONFIG_FILE": "{home}/other"},
        files={"other": profile("default", keys("other"))},
        config=profile("default"),
    ),
    Row(
        "`AWS_CONFIG_FILE` with `~`", {"AWS_CONFIG_FILE": "~/other"}, files={"other": profile("default", keys("other"))}
    ),
    Row(
        "`AWS_CONFIG_FILE` with a variable",
        {"AWS_CONFIG_FILE": "$HOME/other"},
        files={"other": profile("default", keys("other"))},
        why="the shell replaces variables; set the whole path",
    ),
    Row(
        "`AWS_SHARED_CREDENTIALS_FILE`",
        {"AWS_SHARED_CREDENTIALS_FILE": "{home}/other"},
        files={"other": profile("default", keys("other"))},
        credentials=profile("default"),
    ),
    Row(
        "`AWS_SHARED_CREDENTIALS_FILE` that is not there",
        {"AWS_SHARED_CREDENTIALS_FILE": "{home}/no"},
        config=profile("default", keys("config")),
        credentials=profile("default"),
    ),
    Row("`credential_process`", config=profile("default", PROCESS)),
    Row("`credential_process`, keys in `config`", config=profile("default") + PROCESS),
    Row("`credential_process`, keys in `credentials`", config=f"[default]\n{PROCESS}", credentials=profile("default")),
    Row(
        "`AWS_CREDENTIAL_FILE`",
        {"AWS_CREDENTIAL_FILE": "{home}/old"},
        files={"old": f"AWSAccessKeyId={key('old')}\nAWSSecretKey=old\n"},
        why=LEGACY,
    ),
    Row("`BOTO_CONFIG`, `~/.boto`", files={".boto": f"[Credentials]\n{keys('boto')}"}, why=LEGACY),
]
