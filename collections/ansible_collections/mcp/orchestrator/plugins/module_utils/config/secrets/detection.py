# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a name or a word is probably a secret, and how to quote it without showing one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import printable

_NAME = re.compile(
    r"token|secret|passw|passphrase|credential|bearer|authorization|private[-_]?key|api[-_]?key|access[-_]?key"
    r"|apikey|(^|[-_.])(key|pat|auth|pwd|pass|psk|cookie|jwt|dsn)$",
    re.IGNORECASE,
)
# Names that hold such a word and yet only tell where a secret is, how many tokens there are, or whether to ask.
_HARMLESS = re.compile(
    r"[-_.](file|path|dir|directory|env|url|uri|endpoint|type|name|id|limit|count|length|size|ttl|expiry|mode|scheme)$"
    r"|(^|[-_.])(no|max|min|use|enable|disable|skip|require|allow|num)[-_.]|tokens$|tokeni[sz]er",
    re.IGNORECASE,
)
# How well-known services begin the tokens that they give out.
_VALUE = re.compile(
    r"(?:^|[=\s:,])(?:gh[opsur]_[A-Za-z0-9]{16}|github_pat_|glpat-|sk-[A-Za-z0-9_-]{12}|xox[abeprs]-|AKIA[0-9A-Z]{12}"
    r"|AIza[0-9A-Za-z_-]{20}|npm_[A-Za-z0-9]{20}|hf_[A-Za-z0-9]{16}|pypi-[A-Za-z0-9]{16}|ntn_[A-Za-z0-9]{16}"
    r"|secret_[A-Za-z0-9]{16}|eyJ[A-Za-z0-9_-]{16}|dop_v1_|tvly-[A-Za-z0-9]|pplx-[A-Za-z0-9]|fc-[0-9a-f]{16}"
    r"|Bearer\s+\S|-----BEGIN )"
)
_IN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s?#]*:[^/\s?#]*@")
_QUERY = re.compile(r"[?&;]([A-Za-z0-9_.-]+)=([^&;#\s]+)")
_FLAG = re.compile(r"--?([A-Za-z][A-Za-z0-9_.-]*)")
_ASSIGNMENT = re.compile(r"((?:--?)?[A-Za-z_][A-Za-z0-9_.-]*)=(.+)", re.DOTALL)
_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9_-]*):\s*(\S.*)", re.DOTALL)
_PLACEHOLDER = re.compile(
    r"<[^<>]+>|\[[A-Za-z _-]+\]|\{\{[^{}]+\}\}|x{3,}|[A-Za-z0-9_-]*(?:\.\.\.|\*{3,})"
    r"|(?:sk|ghp|pat)[-_](?:x{3,}|your.*)|(?:insert|paste|enter|replace|put)[-_ ].*"
    r"|(?:your|my)[-_ ].*(?:key|token|secret|password|here|id).*|changeme",
    re.IGNORECASE,
)
_DEFAULT = re.compile(r"(\$\{[^{}]*?):-[^{}]*\}")
_EMPTY = frozenset({"true", "false", "yes", "no", "none", "null", "0", "1"})


def is_secret_name(name: str) -> bool:
    """Returns whether this is probably the name of a secret: ``GITHUB_TOKEN``, ``api-key``, ``DB_PASSWORD``."""
    return bool(_NAME.search(name)) and not _HARMLESS.search(name)


def looks_secret(word: str) -> bool:
    """Returns whether a word by itself is probably a secret, or holds one."""
    if _VALUE.search(word) or _IN_URL.search(word):
        return True
    if any(is_secret_name(name) for name, _value in _QUERY.findall(word)):
        return True
    for pattern in (_ASSIGNMENT, _HEADER):
        match = pattern.fullmatch(word)
        if match and is_secret_name(match[1]) and match[2].lower() not in _EMPTY:
            return True
    return False


def is_placeholder(value: str) -> bool:
    """Returns whether a value is the placeholder of a README: ``<your-api-key>``, ``YOUR_TOKEN_HERE``, ``xxx``."""
    return bool(_PLACEHOLDER.fullmatch(value.strip()))


def secrets_among(words: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yields the positions of words that are probably secrets, each with how to quote it without showing it."""
    for position, word in enumerate(words):
        before = _FLAG.fullmatch(words[position - 1]) if position else None
        if before and is_secret_name(before[1]) and not word.startswith("-") and word.lower() not in _EMPTY:
            yield position, f"the value of '{printable(words[position - 1])}'"
        elif looks_secret(word):
            yield position, quoted(word)


def quoted(word: str) -> str:
    """Returns the word in quotes for a message, or as much of it as is no secret."""
    word = _DEFAULT.sub(r"\1:-…}", word)
    if not looks_secret(word):
        return f"'{printable(word)}'"
    for pattern, joint in ((_ASSIGNMENT, "="), (_HEADER, ": ")):
        match = pattern.fullmatch(word)
        if match and is_secret_name(match[1]):
            return f"'{printable(match[1])}{joint}…'"
    scheme, separator, _rest = word.partition("://")
    if separator and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        return f"'{scheme}://…'"
    return "this value"
