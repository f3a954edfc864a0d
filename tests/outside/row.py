"""A setting, and the reason why iam-del-key and version 1 of the AWS CLI differ, if they should."""

from pathlib import Path
from typing import NamedTuple

from cloud import key

SIGNER = {"AWS_ACCESS_KEY_ID": key("variable"), "AWS_SECRET_ACCESS_KEY": "variable"}
# Settings that keep every program on loopback, and make failures immediate.
SAFE = {
    "HTTPS_PROXY": "{url}",
    "AWS_CA_BUNDLE": "{right}",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "us-east-1",
}


class Row(NamedTuple):
    """`{url}` stands for the cloud, `{second}` for its second proxy, `{home}` for the home folder, and `{right}` and `{wrong}`
    for certificate authorities. A variable that is None is not set. Bytes that are not UTF-8 are surrogates in the text of a
    file."""

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
        """Writes the files. Returns the options and the variables."""

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
                # The program does not use a cached session that other users can read.
                path.chmod(0o755 if text.startswith("#!") else 0o600)
        variables = {name: value if value is None else filled(value) for name, value in (SAFE | self.variables).items()}
        return [filled(word) for word in self.options], variables

    def text(self) -> str:
        """The whole setting, one line for each part."""
        given = self.variables.items()
        variables = [f"unset {name}" if value is None else f"{name}={value}" for name, value in given]
        files = {".aws/config": self.config, ".aws/credentials": self.credentials, **self.files}
        contents = [f"{name}:\n{text}" for name, text in files.items() if text]
        lines = [*variables, " ".join(self.options), *sorted(self.faults), *contents]
        return "\n".join(lines).encode(errors="backslashreplace").decode()


def signed(name: str, variables: dict[str, str | None] | None = None, **more: object) -> Row:
    """A row with a key in the variables."""
    return Row(name, {**SIGNER, **(variables or {})}, **more)


def keys(name: str) -> str:
    """The lines of a profile that has a key with this name."""
    return f"aws_access_key_id = {key(name)}\naws_secret_access_key = {name}\n"


def profile(name: str, lines: str | None = None) -> str:
    """A profile. By default, it has its own key."""
    return f"[{name}]\n{keys(name.removeprefix('profile ')) if lines is None else lines}"
