"""What the pages' own forms bear."""

from __future__ import annotations

import pytest
from monitor.access.form_token import LASTS_SECONDS, form_token, holds

KEPT = "$scrypt$ln=14,r=8,p=5$c2FsdA$aGFzaA"
NOW = 1_800_000_000.0


def test_a_token_holds_for_its_user_and_password_for_a_week() -> None:
    token = form_token(KEPT, "alice", NOW)
    assert holds(token, KEPT, "alice", NOW)
    assert holds(token, KEPT, "alice", NOW + LASTS_SECONDS - 1)
    assert not holds(token, KEPT, "alice", NOW + LASTS_SECONDS + 1)
    assert not holds(token, KEPT, "alice", NOW - 3600)
    assert not holds(token, KEPT, "bob", NOW)
    assert not holds(token, f"{KEPT}x", "alice", NOW)


def test_no_two_tokens_share_what_a_compressed_page_could_give_away() -> None:
    tokens = {form_token(KEPT, "alice", NOW) for _ in range(50)}
    assert len(tokens) == 50
    assert len({token[10:] for token in tokens}) == 50


@pytest.mark.parametrize("token", ["", "x", "é", "AAAA", "=" * 40, "A" * 62, "A" * 100_000, "../..", "\0"])
def test_anything_else_is_none(token: str) -> None:
    assert not holds(token, KEPT, "alice", NOW)


def test_a_token_of_which_a_character_is_changed_is_none() -> None:
    token = form_token(KEPT, "alice", NOW)
    for place in range(len(token) - 1):  # the last bits of the last character stand for nothing
        other = "A" if token[place] != "A" else "B"
        assert not holds(token[:place] + other + token[place + 1 :], KEPT, "alice", NOW)
