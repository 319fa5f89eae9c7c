"""A session belongs to whoever opened it, where something in front of the bridge says who that is."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from bridge.transport.identity import identity
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.bridge.client import Bridge, Client, Listener, request

Start = Callable[..., Bridge]


def token(serial: int = 1, **claims: Any) -> str:
    """A JWT whose signature nobody could verify; `serial` makes it another one with the same claims."""
    parts = ({"alg": "RS256", "typ": "JWT"}, {**claims, "jti": str(serial)})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return "Bearer " + ".".join([*encoded, "c2ln"])


ANN = {"iss": "https://id.example", "sub": "ann"}
BOB = {"iss": "https://id.example", "sub": "bob"}
OWNERS: list[tuple[dict[str, str], dict[str, str], list[dict[str, str]]]] = [
    (
        {"x-amzn-oidc-identity": "ann"},
        {"x-amzn-oidc-identity": "ann", "authorization": token(**BOB)},
        [
            {"x-amzn-oidc-identity": "bob"},
            {"x-amzn-oidc-identity": "bob", "authorization": token(**ANN)},
            {"authorization": token(sub="ann")},
            {},
        ],
    ),
    (
        {"authorization": token(**ANN)},
        {"authorization": token(serial=2, **ANN, exp=2_000_000_000)},
        [
            {"authorization": token(**BOB)},
            {"authorization": token(iss="https://other.example", sub="ann")},
            {"authorization": token(**ANN), "x-amzn-oidc-identity": "bob"},
            {"authorization": f"{token(**BOB)}, {token(**ANN)}"},
            {"authorization": "Bearer opaque"},
            {},
        ],
    ),
]


class Known(Client):
    """A client whose requests bear what identifies it."""

    def __init__(self, bridge: Bridge, who: dict[str, str]) -> None:
        super().__init__(bridge)
        self.who = who

    def headers(self, **more: str) -> dict[str, str]:
        return {**super().headers(**more), **self.who}


@pytest.mark.parametrize(("owner", "renewed", "others"), OWNERS)
def test_a_session_is_unknown_to_everybody_but_who_opened_it(
    bridge: Bridge, owner: dict[str, str], renewed: dict[str, str], others: list[dict[str, str]]
) -> None:
    client = Known(bridge, owner)
    client.open()
    client.call("set", value="ann's")
    unknown = Known(bridge, {})
    unknown.session = "0" * 32
    for other in others:
        thief = Known(bridge, other)
        thief.session = client.session
        for method in ("post", "listen", "delete"):
            arguments = [thief.calling("get")] if method == "post" else []
            reply, nothing = (getattr(each, method)(*arguments) for each in (thief, unknown))
            assert (reply.status, reply.body) == (404, nothing.body), (method, other)
        assert thief.bridge.request("GET", None, None, thief.headers(last_event_id="1-0")).status == 404
    client.who = renewed
    assert client.call("get") == {"value": "ann's"}
    assert client.delete().status == 204


@pytest.mark.parametrize(("owner", "renewed", "others"), OWNERS)
def test_a_session_of_the_older_transport_is_unknown_too(
    bridge: Bridge, owner: dict[str, str], renewed: dict[str, str], others: list[dict[str, str]]
) -> None:
    stream = bridge.request("GET", "/mcp/x/sse", headers={"accept": "text/event-stream", **owner})
    listener = Listener(stream)
    event = listener.next()
    assert event is not None
    body = json.dumps(request("ping", None, 7)).encode()
    content = {"content-type": "application/json"}
    for other in others:
        assert bridge.request("POST", event.data, body, {**content, **other}).status == 404
    assert bridge.request("POST", event.data, body, {**content, **renewed}).status == 202
    assert listener.message()["id"] == 7
    stream.close()


def test_where_nobody_says_who_opens_a_session_its_id_is_all_that_is_asked_for(bridge: Bridge) -> None:
    client = Known(bridge, {"authorization": "Bearer opaque"})
    client.open()
    for who in ({}, {"authorization": "Bearer renewed"}, {"authorization": token(**ANN)}):
        client.who = who
        assert client.call("echo", text="x") == "x"
    client.delete()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer a.b",
        "Bearer a.b.c",
        "Bearer ..",
        "Bearer a.!!!.c",
        "Basic " + token(**ANN)[7:],
        token(iss="https://id.example"),
        token(iss="https://id.example", sub=7),
        token(iss=7, sub="ann"),
        "Bearer e30.W10.c",
    ],
)
def test_what_names_nobody_is_no_identity(header: str) -> None:
    assert identity({b"authorization": header.encode()}) is None


@given(st.binary(max_size=200), st.sampled_from([b"", b"Bearer ", b"bearer a.", b"Bearer e30."]))
def test_no_header_is_too_odd(value: bytes, start: bytes) -> None:
    identity({b"authorization": start + value})
    identity({b"authorization": b"Bearer a." + base64.urlsafe_b64encode(value) + b".c"})
