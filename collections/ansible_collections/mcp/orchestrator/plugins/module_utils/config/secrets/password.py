# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which passwords are guessed before any other (NIST SP 800-63B, 5.1.1.2: length, context, repetition, sequence)."""

from __future__ import annotations

from itertools import pairwise

FEWEST_CHARACTERS = 12
FEWEST_DIFFERENT = 5
# Alone, together, or with digits and signs around them they are what a list of guesses begins with.
_GUESSED_FIRST = (
    "administrator",
    "orchestrator",
    "qwertyuiop",
    "changethis",
    "changeit",
    "changeme",
    "dashboard",
    "password",
    "passwort",
    "default",
    "letmein",
    "monitor",
    "replace",
    "welcome",
    "example",
    "secret",
    "qwerty",
    "admin",
    "mcp",
    "me",
    "my",
)


def weakness(password: str, username: str) -> str:
    """Returns why the password is easily guessed, without showing it; an empty text where it is not."""
    if len(password) < FEWEST_CHARACTERS:
        return f"has fewer than {FEWEST_CHARACTERS} characters"
    if len(set(password)) < FEWEST_DIFFERENT:
        return f"has fewer than {FEWEST_DIFFERENT} different characters"
    if _is_sequence(password):
        return "is one run of characters in sequence"
    letters = _letters(password)
    if letters and letters in (_letters(username), _letters(username)[::-1]):
        return "is the user name with nothing but digits and signs around it"
    for word in (_letters(username), *_GUESSED_FIRST):
        letters = letters.replace(word, "") if word else letters
    if not letters and _letters(password):
        return "consists of words that are guessed first"
    return ""


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalpha())


def _is_sequence(text: str) -> bool:
    """Whether each character is the one after, or the one before, its neighbour; after 9 comes 0."""
    circle = 10 if text.isdecimal() else 1 << 21  # more than there are code points
    steps = {(ord(after) - ord(before)) % circle for before, after in pairwise(text)}
    return steps in ({1}, {circle - 1})
