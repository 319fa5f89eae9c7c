"""Who gets a compressed answer."""

from __future__ import annotations

import gzip

import pytest
from monitor.compress import compressed, takes_gzip


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("gzip, deflate, br", True), ("br;q=1.0, GZIP;q=0.5", True), ("*", True), ("", False), ("identity", False),
        ("gzip;q=0", False), ("gzip; q=0.0", False), ("gzip;q=0.01", True), ("xgzip", False),
    ],
)  # fmt: skip
def test_a_client_gets_what_it_takes(accepted: str, takes: bool) -> None:
    assert takes_gzip(accepted) is takes


def test_the_same_content_becomes_the_same_answer() -> None:
    assert gzip.decompress(compressed(b"x" * 5000)) == b"x" * 5000
    assert compressed(b"x" * 5000) == compressed(b"x" * 5000)
