"""Ids of sessions that any container of a server takes."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest
from bridge.protocol.revision import HANDSHAKE
from bridge.transport.identity import identity
from bridge.transport.session_ids import Agreed, SessionIds
from hypothesis import given
from hypothesis import strategies as st

KEY, OTHER = b"k" * 32, b"o" * 32
IDENT = "0123456789abcdef" * 2
ALICE: Mapping[bytes, bytes] = {b"x-amzn-oidc-identity": b"alice"}
BOB: Mapping[bytes, bytes] = {b"x-amzn-oidc-identity": b"bob"}
NOBODY: Mapping[bytes, bytes] = {}
DAY = 86400.0


def signed(ident: str = IDENT, revision: str = HANDSHAKE[-1], headers: Mapping[bytes, bytes] = NOBODY) -> str:
    return SessionIds([KEY], DAY).sign(ident, revision, identity(headers))


@pytest.mark.parametrize("revision", HANDSHAKE)
@pytest.mark.parametrize("headers", [NOBODY, ALICE])
def test_whoever_has_the_key_reads_what_was_agreed(revision: str, headers: Mapping[bytes, bytes]) -> None:
    found = SessionIds([KEY], DAY).read(signed(revision=revision, headers=headers), headers)
    assert found == Agreed(IDENT, bool(headers), revision)


def test_an_id_is_visible_ascii_without_the_sign_that_ends_a_mark() -> None:
    assert signed().isascii()
    assert signed().isprintable()
    assert not set(signed()) & set(" .~,;")


def test_a_session_of_a_user_is_unknown_to_any_other_and_to_nobody() -> None:
    ids = SessionIds([KEY], DAY)
    assert ids.read(signed(headers=ALICE), BOB) is None
    assert ids.read(signed(headers=ALICE), NOBODY) is None
    assert ids.read(signed(headers=ALICE).replace("o", "a", 1), NOBODY) is None


def test_a_session_of_nobody_is_anybodys() -> None:
    assert SessionIds([KEY], DAY).read(signed(), BOB) == Agreed(IDENT, False, HANDSHAKE[-1])


def test_another_servers_key_opens_nothing() -> None:
    assert SessionIds([OTHER], DAY).read(signed(), NOBODY) is None


def test_the_former_key_is_accepted_while_it_is_kept() -> None:
    rotated = SessionIds([OTHER, KEY], DAY)
    assert rotated.read(signed(), NOBODY) is not None
    assert SessionIds([OTHER], DAY).read(rotated.sign(IDENT, HANDSHAKE[0], None), NOBODY) is not None


@pytest.mark.parametrize(("seconds", "taken"), [(0, True), (DAY - 5, True), (DAY + 5, False), (-DAY - 5, False)])
def test_an_id_is_taken_for_so_long_however_much_less_the_clocks_differ(
    monkeypatch: pytest.MonkeyPatch, seconds: float, taken: bool
) -> None:
    now, name = time.time(), signed()
    monkeypatch.setattr("time.time", lambda: now + seconds)
    assert (SessionIds([KEY], DAY).read(name, NOBODY) is not None) == taken


def test_a_revision_that_no_id_can_say_makes_a_session_of_this_container_alone() -> None:
    assert SessionIds([KEY], DAY).sign(IDENT, "1.0 beta", None) == IDENT
    assert SessionIds([KEY], DAY).read(IDENT, NOBODY) is None


@given(at=st.integers(0, len(signed()) - 1), character=st.characters(max_codepoint=255))
def test_an_id_with_any_other_character_in_it_is_unknown(at: int, character: str) -> None:
    name = signed()
    changed = name[:at] + character + name[at + 1 :]
    assert changed == name or SessionIds([KEY], DAY).read(changed, NOBODY) is None


@given(text=st.text(st.characters(max_codepoint=255), max_size=200))
def test_what_nobody_has_signed_is_unknown(text: str) -> None:
    assert SessionIds([KEY], DAY).read(text, NOBODY) is None
    assert SessionIds([KEY], DAY).read(signed() + text, NOBODY) is None or not text


@given(ident=st.binary(min_size=16, max_size=16), revision=st.from_regex(r"[A-Za-z0-9_-]{1,32}", fullmatch=True))
def test_whatever_is_signed_is_read_again(ident: bytes, revision: str) -> None:
    found = SessionIds([KEY], DAY).read(signed(ident.hex(), revision, ALICE), ALICE)
    assert found == Agreed(ident.hex(), True, revision)
