# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a word of a command line is probably a secret or holds one, and how to quote it without showing it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.names import is_secret_name

# How well-known services begin the tokens that they give out.
_VALUE = re.compile(
    r"(?:^|//|[=\s:,\"'])(?:gh[opsur]_[A-Za-z0-9]{16}|github_pat_|glpat-|sk-[A-Za-z0-9_-]{12}|xox[abeprs]-|AKIA[0-9A-Z]{12}"
    r"|AIza[0-9A-Za-z_-]{20}|npm_[A-Za-z0-9]{20}|hf_[A-Za-z0-9]{16}|pypi-[A-Za-z0-9]{16}|ntn_[A-Za-z0-9]{16}"
    r"|secret_[A-Za-z0-9]{16}|eyJ[A-Za-z0-9_-]{16}|dop_v1_|tvly-[A-Za-z0-9]|pplx-[A-Za-z0-9]|fc-[0-9a-f]{16}"
    r"|[prs]k_(?:live|test)_[A-Za-z0-9]|whsec_[A-Za-z0-9]|shp(?:at|ca|pa|ss)_[0-9a-f]{16}|SG\.[\w-]{16}|lin_api_\w"
    r"|fig[du]_[\w-]{16}|sntry[su]_\w|nvapi-[\w-]{16}|gsk_[A-Za-z0-9]{16}|r8_[A-Za-z0-9]{16}|xai-[A-Za-z0-9]{16}"
    r"|sbp_[0-9a-f]{16}|hvs\.[\w-]{16}|dckr_pat_|PMAK-[0-9a-f]|GOCSPX-|ya29\.|ATATT3x|apify_api_|dapi[0-9a-f]{32}"
    r"|pat[A-Za-z0-9]{14}\.[0-9a-f]{16}|AGE-SECRET-KEY-|SK[0-9a-f]{32}|[0-9]{8,10}:[A-Za-z0-9_-]{35}"
    r"|[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27}|(?:Bearer|Basic)\s+[^\s$]|-----BEGIN )"
)
# Every repetition behind a free start is bounded: long values take no longer than their length.
_IN_URL = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]{0,30}://(?:[^/\s?#:]{0,200}:[^/\s?#]{0,1000}@"
    r"|(?=[^/@\s]{0,200}[0-9])[A-Za-z0-9_~=-]{16,200}@)"
)
# Of a query, and of connection strings: host=h password=x; Server=h;Pwd=x.
_PAIR = re.compile(r"(?:^|[?&;,\s])(?:--?)?([A-Za-z_][A-Za-z0-9_.-]*)=([^&;#,\s]+)")
# As TOML and ini files have it: api_key = "x".
_SPACED = re.compile(r"(?:^|[;,\n])\s{0,4}([A-Za-z_][A-Za-z0-9_.-]{3,80})\s{1,4}=\s{0,4}[\"']?([^\"';,\s]+)")
_FLAG = re.compile(r"--?([A-Za-z][A-Za-z0-9_.-]*)")
_ASSIGNMENT = re.compile(r"((?:--?)?[A-Za-z_][A-Za-z0-9_.-]*)=(.+)", re.DOTALL)
_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9_-]*):\s*(\S.*)", re.DOTALL)
_GLUED = re.compile(r"-[A-Za-z]([A-Za-z_].*)", re.DOTALL)
# -phunter2, as the clients of databases take a password; -p8080, -pretty and -profile=x are something else.
_GLUED_PASSWORD = re.compile(r"-p(?=[^=]*[0-9])(?=[^=]*[A-Za-z])[^=\s/.]{4,}")
_USERS = frozenset({"-u", "--user", "--username", "--login"})
_LOGIN = re.compile(r"(?!\d+:\d+$)[^\s:/@]+:[^\s:/]+")
# A part of an address that is long and has both letters and digits is as good as a password.
_TOKEN = re.compile(r"(?=[^/]*[0-9])(?=[^/]*[A-Za-z])[A-Za-z0-9_~=-]{16,}")
# But not words with numbers behind them, as in my-project-2024-report, nor what names a commit of a public repository.
_WORDS = re.compile(r"(?:[A-Z]?[a-z]*[0-9]{0,4})(?:[-_](?:[A-Z]?[a-z]*[0-9]{0,4}))+")
_REPOSITORIES = re.compile(
    r"https?://(?:www\.)?(?:[\w-]+\.)?(?:github|githubusercontent|gitlab|bitbucket)\.(?:com|org)/"
)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://[^/\s?#\"']+([/?][^\s#\"']*)")
# Values of a query that are long and name something public.
_PUBLIC = re.compile(
    r"(?:client|app|project|tenant|org)[-_]?(?:id|ref)|v|ver|(?:api-?)?version|ref|sha|commit", re.IGNORECASE
)
_LOOSE_JSON = re.compile(r"[\"']?([A-Za-z_][\w.-]{0,80})\\{0,4}[\"']?\s{0,4}:\s{0,4}\\{0,4}[\"']?([^\"'\s,{}\[\]\\]+)")
_DEFAULT = re.compile(r"(\$\{[^{}]*?):-[^{}]*\}")
# What a shell puts in, and not the secret itself; ${TOKEN} is a reference of the config.
_OF_SHELL = re.compile(r"[\"']?\$[A-Za-z_(]")
# Options with a header's name and its value, as mcp-proxy has them: -H X-Api-Key VALUE.
_PAIRS = frozenset({"-H", "--header", "--headers"})
_DEEPEST = 3
_EMPTY = frozenset({"true", "false", "yes", "no", "none", "null", "0", "1"})


def is_token(part: str) -> bool:
    """Returns whether a part of an address is as good as a password."""
    return bool(_TOKEN.fullmatch(part))


def looks_secret(word: str, _depth: int = 0) -> bool:
    """Returns whether a word by itself is probably a secret, or holds one."""
    if _VALUE.search(word) or _IN_URL.search(word) or _GLUED_PASSWORD.fullmatch(word):
        return True
    if any(_is_secret_pair(name, value) for name, value in (*_PAIR.findall(word), *_SPACED.findall(word))):
        return True
    if secret_of_json(word) is not None or (_depth < _DEEPEST and _has_secret_of_script(word, _depth + 1)):
        return True
    match = _ASSIGNMENT.fullmatch(word)
    # --config={"env": "A=b"} and no deeper.
    if match and (_is_secret_pair(match[1], match[2]) or (_depth < _DEEPEST and looks_secret(match[2], _depth + 1))):
        return True
    glued = _GLUED.fullmatch(word)
    return any(
        match is not None and _is_secret_pair(match[1], match[2])
        for text in (word, *(glued.groups() if glued else ()))
        for match in (_HEADER.fullmatch(text), _ASSIGNMENT.fullmatch(text))
    )


def has_token_in_address(word: str) -> bool:
    """Returns whether the path of an address in the word has a part that is as good as a password."""
    return any(
        is_token(part) and not _WORDS.fullmatch(part)
        for match in _ADDRESS.finditer(word)
        if not _REPOSITORIES.match(match[0])
        for part in _parts(match[1])
    )


def _parts(address: str) -> Iterator[str]:
    """The parts of an address behind its host: of the path, and the values of the query."""
    path, _mark, query = address.partition("?")
    yield from path.split("/")
    for pair in re.split("[&;]", query):
        name, _equals, value = pair.partition("=")
        if not _PUBLIC.fullmatch(name):
            yield value


def secret_of_json(word: str) -> str | None:
    """Returns the key of the first secret in a word that is JSON, or nearly; "" for one without, None for none."""
    text = word.strip().strip("'`")
    if text[:1] not in ("{", "[", '"') or len(text) < 4:
        return None
    try:
        return _secret_within(json.loads(text))
    except (ValueError, RecursionError):
        # As shells and editors leave it behind: {apiKey: x}, {'apiKey': 'x'}, {\"apiKey\":\"x\"}.
        pairs = _LOOSE_JSON.findall(text)
        return next((name for name, value in pairs if _is_secret_pair(name, value)), None)


def _secret_within(value: Any) -> str | None:
    if isinstance(value, str):
        return "" if looks_secret(value) or has_token_in_address(value) else None
    if isinstance(value, list):
        return next((found for each in value if (found := _secret_within(each)) is not None), None)
    if not isinstance(value, dict):
        return None
    named = value.get("name", value.get("key"))
    pairs = [*value.items(), *([(named, value["value"])] if isinstance(named, str) and "value" in value else [])]
    for name, inner in pairs:
        if isinstance(inner, (str, int)) and not isinstance(inner, bool) and _is_secret_pair(name, str(inner)):
            return str(name)
        found = _secret_within(inner)
        if found is not None:
            return found or str(name)
    return None


def _is_secret_pair(name: str, value: str) -> bool:
    return bool(value) and value.lower() not in _EMPTY and not _OF_SHELL.match(value) and is_secret_name(name)


def _has_secret_of_script(word: str, depth: int) -> bool:
    """Whether a word that is a line for a shell has a secret among its own words: ``exec server --token x``."""
    if not re.search(r"\S\s+-|^-.*\s", word):
        return False
    try:
        words = shlex.split(word)
    except ValueError:
        words = word.split()
    return len(words) > 1 and any(True for _found in _among(words, depth))


def secrets_among(words: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yields the positions of words that are probably secrets, each with how to quote it without showing it."""
    return _among(words, 0)


def _among(words: Sequence[str], depth: int) -> Iterator[tuple[int, str]]:
    has_user = any(word.partition("=")[0] in _USERS for word in words)
    for position, word in enumerate(words):
        option = words[position - 1] if position else ""
        of_header = position > 1 and words[position - 2] in _PAIRS and _is_secret_pair(option, word)
        if of_header or _is_secret_value(option, word, has_user):
            yield position, f"the value of '{printable(option)}'"
        elif looks_secret(word, depth) or has_token_in_address(word):
            yield position, quoted(word)


def _is_secret_value(option: str, word: str, has_user: bool) -> bool:
    """Whether the word is the value of an option that takes a secret."""
    flag = _FLAG.fullmatch(option)
    if flag is None or word.startswith("-") or not word or word.lower() in _EMPTY or _OF_SHELL.match(word):
        return False
    if option in _USERS:
        return bool(_LOGIN.fullmatch(word))
    return is_secret_name(flag[1]) or (option == "-p" and has_user and not word.isdecimal())


def quoted(word: str) -> str:
    """Returns the word in quotes for a message, or as much of it as is no secret."""
    word = _DEFAULT.sub(r"\1:-…}", word)
    if not looks_secret(word) and not has_token_in_address(word):
        return f"'{printable(word)}'"
    key = secret_of_json(word)
    if key is not None:
        return f"the value of '{printable(key)}' in it" if key else "a value in it"
    for pattern, joint in ((_ASSIGNMENT, "="), (_HEADER, ": ")):
        match = pattern.fullmatch(word)
        if match and is_secret_name(match[1]):
            return f"'{printable(match[1])}{joint}…'"
    scheme, separator, _rest = word.partition("://")
    if separator and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        return f"'{scheme}://…'"
    return f"'{word[:2]}…'" if _GLUED_PASSWORD.fullmatch(word) else "this value"
