"""A setting, and why iam-del-key and version 1 of the AWS CLI differ with it, if they are meant to."""

from pathlib import Path
from typing import NamedTuple

from cloud import key

SIGNER = {"AWS_ACCESS_KEY_ID": key("variable"), "AWS_SECRET_ACCESS_KEY": "variable"}
# What leads nowhere but to loopback, and fails at once where it fails, whatever a program makes of the rest.
SAFE = {
    "HTTPS_PROXY": "{url}",
    "AWS_CA_BUNDLE": "{right}",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "us-east-1",
}


class Row(NamedTuple):
    """`{url}` stands for the cloud, `{second}` for its second proxy, `{home}` for the home folder, `{right}` and
    `{wrong}` for certificate authorities; a variable that is None is not set. Bytes that are not UTF-8 are surrogates
    in the text of a file."""

    name: str
    variables: dict[str, str | None] = {}
    config: str = ""
    credentials: str = ""
    options: tuple[str, ...] = ()
    files: dict[str, str] = {}
    faults: frozenset[str] = frozenset()
    why: str = ""
    user: str = "Bob"

    def prepared(self, home: Path, places: dict[str, str]) -> tuple[list[str], dict[str, str | None]]:
        """The options and the variables, with the files in place."""

        def filled(text: str) -> str:
            for name, value in places.items():
                text = text.replace(f"{{{name}}}", value)
            return text

        contents = {".aws/config": self.config, ".aws/credentials": self.credentials, **self.files}
        for name, text in contents.items():
            path = home / filled(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if text or name in self.files:
                path.write_bytes(filled(text).encode(errors="surrogateescape"))
                # A cached session that others can read is not used.
                path.chmod(0o755 if text.startswith("#!") else 0o600)
        variables = {name: value if value is None else filled(value) for name, value in (SAFE | self.variables).items()}
        return [filled(word) for word in self.options], variables

    def text(self) -> str:
        """The whole setting, one line after the other."""
        given = self.variables.items()
        variables = [f"unset {name}" if value is None else f"{name}={value}" for name, value in given]
        files = {".aws/config": self.config, ".aws/credentials": self.credentials, **self.files}
        contents = [f"{name}:\n{text}" for name, text in files.items() if text]
        lines = [*variables, " ".join(self.options), *sorted(self.faults), *contents]
        return "\n".join(lines).encode(errors="backslashreplace").decode()


def signed(name: str, variables: dict[str, str | None] | None = None, **more: object) -> Row:
    """A row that the variables' key signs."""
    return Row(name, {**SIGNER, **(variables or {})}, **more)


def keys(name: str) -> str:
    """The lines of a profile with a key of that name."""
    return f"aws_access_key_id = {key(name)}\naws_secret_access_key = {name}\n"


def profile(name: str, lines: str | None = None) -> str:
    """A profile, with a key of its own unless said otherwise."""
    return f"[{name}]\n{keys(name.removeprefix('profile ')) if lines is None else lines}"
