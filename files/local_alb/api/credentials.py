"""The one access key that the control plane knows, in a file of the form that AWS's own tools read.

Whoever may read the file may change routes: root and the control plane's user. It is made by
``python -m local_alb.api.credentials FILE``, or another key in its place, by which the next request is judged.
"""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path

from botocore.credentials import SharedCredentialProvider
from botocore.exceptions import BotoCoreError

PROFILE = "default"
# It would tell the log with every request where the key was found.
logging.getLogger("botocore.credentials").setLevel(logging.WARNING)


class CredentialsError(Exception):
    """A file from which no access key is taken; the message says why and what to do."""


@dataclass(frozen=True)
class Credentials:
    """An access key id, which may be told, and its secret."""

    access_key_id: str
    secret: str = field(repr=False)


def read_credentials(path: Path) -> Credentials:
    """Returns the access key of the file's default profile.

    The form is that of "Configuration and credential file settings" in the AWS CLI's user guide. Raises
    CredentialsError where there is none, and where others than the file's owner and group may read it.
    """
    try:
        if path.stat().st_mode & stat.S_IRWXO:
            raise CredentialsError(f"{path} is open to every user of this host; run: chmod o= {path}")
        with open(path, encoding="utf-8"):
            found = SharedCredentialProvider(str(path), PROFILE).load()
    except OSError as error:
        raise CredentialsError(f"{path} cannot be read: {error.strerror}") from None
    except (BotoCoreError, ValueError):  # what they say may quote the file
        found = None
    if not found or not found.access_key or not found.secret_key:
        raise CredentialsError(
            f"{path} has no aws_access_key_id with its aws_secret_access_key under [{PROFILE}]; "
            f"run: python -m local_alb.api.credentials {path}"
        )
    return Credentials(found.access_key, found.secret_key)


def make_credentials(path: Path) -> None:
    """Writes a file with a new random access key, readable as the one that it replaces, or else by its owner only."""
    text = (
        f"[{PROFILE}]\naws_access_key_id = MCP{secrets.token_hex(8).upper()}\n"
        f"aws_secret_access_key = {secrets.token_urlsafe(30)}\n"
    )
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        if path.exists():
            before = path.stat()
            os.fchown(file.fileno(), before.st_uid, before.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode) & ~stat.S_IRWXO)
        file.write(text)
    os.replace(temporary, path)


def main(arguments: list[str] | None = None) -> int:
    """Makes an access key and writes it to the file that is named. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="local_alb.api.credentials", description="Makes the control plane's access key, or another in its place."
    )
    parser.add_argument("file", type=Path)
    path = parser.parse_args(arguments).file
    try:
        make_credentials(path)
    except OSError as error:
        print(f"local_alb.api.credentials: {path} cannot be written: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
