"""The keys of token issuers: which are taken, and that whatever an issuer answers, it is asked again."""

from __future__ import annotations

import base64
import http.client
import io
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from local_alb.data_plane import key_sets
from local_alb.data_plane.key_sets import KeySets, fetch, public_keys

URL = "https://issuer.example/keys"
DEADLINE = 10.0


def number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()


NUMBERS = rsa.generate_private_key(65537, 2048).public_key().public_numbers()
KEY = {"kty": "RSA", "kid": "one", "n": number(NUMBERS.n), "e": number(NUMBERS.e)}


def test_an_rsa_key_becomes_pem_under_its_id() -> None:
    assert public_keys({"keys": [KEY]})["one"].startswith("-----BEGIN PUBLIC KEY-----")


@pytest.mark.parametrize(
    "other", [{"kty": "EC"}, {"use": "enc"}, {"alg": "RS512"}, {"kid": ""}, {"kid": "a\nb"}, {"kid": 1}]
)
def test_a_key_of_another_kind_is_left_out(other: dict[str, Any]) -> None:
    assert public_keys({"keys": [{**KEY, **other}]}) == {}


@pytest.mark.parametrize("document", [[], {}, {"keys": {}}, {"keys": [KEY] * 11}, {"keys": [{**KEY, "n": None}]}])
def test_a_set_beyond_the_limits_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match=r"key"):
        public_keys(document)


class Reply(io.BytesIO):
    """What urlopen returns."""

    def __init__(self, content: bytes, url: str = URL) -> None:
        super().__init__(content)
        self.url = url


def answered(monkeypatch: pytest.MonkeyPatch, reply: Reply) -> None:
    monkeypatch.setattr(key_sets.urllib.request, "urlopen", lambda url, timeout: reply)


def test_keys_are_not_believed_that_a_redirect_fetched_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    answered(monkeypatch, Reply(json.dumps({"keys": [KEY]}).encode(), "http://issuer.example/keys"))

    with pytest.raises(ValueError, match="https"):
        fetch(URL)


def test_a_reply_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answered(monkeypatch, Reply(b" " * 150_001))

    with pytest.raises(ValueError, match="longer than"):
        fetch(URL)


@pytest.mark.parametrize("failure", [OSError(), ValueError(), http.client.BadStatusLine("?"), RecursionError()])
def test_an_issuer_is_asked_again_whatever_it_answered(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    answers: list[Any] = [failure, {"one": "PEM"}]

    def fake(url: str) -> dict[str, str]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    monkeypatch.setattr(key_sets, "fetch", fake)
    monkeypatch.setattr(key_sets, "RETRY", 0.0)
    known = KeySets()

    deadline = time.monotonic() + DEADLINE
    while not known.keys({URL})[URL] and time.monotonic() < deadline:
        time.sleep(0.01)

    assert known.keys({URL}) == {URL: {"one": "PEM"}}
