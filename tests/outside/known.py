"""The settings and options in the AWS CLI's own source, to check that each has a row."""

from awscli.botocore import configprovider, credentials
from awscli.clidriver import create_clidriver
from row import Row

# These need no row: client-side monitoring of the AWS CLI, and addresses outside loopback.
LEFT_OUT = {
    *("csm_enabled", "csm_host", "csm_port", "csm_client_id"),
    *("AWS_CSM_ENABLED", "AWS_CSM_HOST", "AWS_CSM_PORT", "AWS_CSM_CLIENT_ID"),
    credentials.ContainerProvider.ENV_VAR,
}


def absent(rows: list[Row]) -> set[str]:
    """The settings that no row has."""
    there = "\n".join(f"{row.variables} {row.config} {row.credentials} {row.name}" for row in rows)
    return {name for name in known() - LEFT_OUT if name not in there}


def without_row(document: str) -> set[str]:
    """The options of `aws iam delete-access-key` that are missing from the table in `man/aws-cli.md`."""
    _, rest = document.split("| option of the AWS CLI |", 1)
    table, _ = rest.split("\n\n", 1)
    return {option for option in options() if f"`{option}`" not in table and f"`{option} " not in table}


def options() -> set[str]:
    driver = create_clidriver()
    service = driver._get_command_table()["iam"]
    command = service._get_command_table()["delete-access-key"]
    return {f"--{name}" for name in {*driver._get_argument_table(), *command.arg_table}}


def known() -> set[str]:
    found = set()
    for keys, variables, *_ in configprovider.BOTOCORE_DEFAUT_SESSION_VARIABLES.values():
        found |= names(keys) | names(variables)
    container, environment = credentials.ContainerProvider, credentials.EnvProvider
    found |= {
        container.ENV_VAR,
        container.ENV_VAR_FULL,
        container.ENV_VAR_AUTH_TOKEN,
        container.ENV_VAR_AUTH_TOKEN_FILE,
    }
    found |= {environment.ACCESS_KEY, environment.SECRET_KEY, environment.EXPIRY_TIME, *environment.TOKENS}
    web_identity = credentials.AssumeRoleWithWebIdentityProvider._CONFIG_TO_ENV_VAR
    found |= {*web_identity, *web_identity.values(), credentials.BotoProvider.BOTO_CONFIG_ENV}
    file = credentials.ConfigProvider
    return found | {file.ACCESS_KEY, file.SECRET_KEY, *file.TOKENS, *credentials.SSOProvider._ALL_REQUIRED_CONFIG_VARS}


def names(given: object) -> set[str]:
    return set() if given is None else {given} if isinstance(given, str) else set(given)
