"""An access key for the control planes that tests start themselves."""

from __future__ import annotations

from pathlib import Path

# As boto3's clients take it.
ACCESS_KEY = {"aws_access_key_id": "MCPTEST", "aws_secret_access_key": "of-tests-only"}


def write_credentials(path: Path) -> Path:
    """A file with the access key, for its owner only; ``path`` again."""
    path.touch(mode=0o600)
    path.write_text("\n".join(["[default]", *(f"{name} = {value}" for name, value in ACCESS_KEY.items()), ""]))
    return path
