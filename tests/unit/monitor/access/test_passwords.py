"""How passwords are kept."""

from __future__ import annotations

import pytest
from monitor.access.passwords import NotAHash, check_hash, generated, hashed, matches


def test_what_is_kept_matches_its_password_only_and_does_not_hold_it() -> None:
    kept = hashed("correct horse")
    assert matches("correct horse", kept)
    assert not matches("correct horse ", kept)
    assert "correct" not in kept
    assert hashed("correct horse") != kept


def test_it_is_scrypt_as_others_write_it() -> None:
    # The third vector of RFC 7914, section 12.
    key = "cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw"
    assert matches("pleaseletmein", f"$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU${key}")


@pytest.mark.parametrize(
    "text",
    ["", "x", "$scrypt$", "$argon2id$v=19$m=1,t=1,p=1$AAAA$AAAA", "$scrypt$ln=30,r=8,p=1$AAAAAAAA$" + "A" * 43,
     "$scrypt$ln=14,r=99,p=1$AAAAAAAA$" + "A" * 43, "$scrypt$ln=14,r=8,p=99$AAAAAAAA$" + "A" * 43,
     "$scrypt$ln=0,r=8,p=1$AAAAAAAA$" + "A" * 43, "$scrypt$ln=14,r=8,p=1$AAAAAAAA$AAAA",
     "$scrypt$ln=14,r=8,p=1$A$" + "A" * 43],
)  # fmt: skip
def test_what_is_no_hash_or_would_take_the_hosts_memory_is_refused(text: str) -> None:
    with pytest.raises(NotAHash):
        check_hash(text)


def test_generated_passwords_are_long_and_differ() -> None:
    made = {generated() for _ in range(100)}
    assert len(made) == 100
    assert all(len(each) >= 20 for each in made)
