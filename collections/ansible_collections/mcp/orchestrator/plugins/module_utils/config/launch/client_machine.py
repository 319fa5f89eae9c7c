# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders and names of the machine that somebody's client runs on, wherever they stand in an entry."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import quoted

_FOLDERS = (
    r"/Users/|/home/|/Volumes/|/Applications/|/Library/|/mnt/[a-z]/|/[a-z]/Users/|/opt/homebrew/|/private/(?:tmp|var)/"
    r"|(?i:/(?:absolute/|full/|your/)?path(?:/to)?/|/absolute/path|/your[-_/]|path/to/)"
)
_PATH = re.compile(rf"(?:{_FOLDERS})|~(?:/|$)|[A-Za-z]:[\\/](?!/)|\\\\|%[A-Za-z]+%|\$HOME\b")
# In the middle of a value: of lists, of JSON, of file:///… and sqlite:///….
_INSIDE = re.compile(rf"(?:(?<=[=:,;\"'\s])|(?<=://)|(?<=:///))(?:(?:{_FOLDERS})|~/|[A-Za-z]:[\\/](?!/))")
_END = re.compile(r"[,;:\"'\s]")
_HOST = re.compile(
    r"(?:^|://|[@=,\"'\s]|(?<=TCP:)|(?<=TCP4:)|(?<=SSL:)|(?<=OPENSSL:))"
    r"(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?|172\.17\.0\.1|host\.docker\.internal|host\.containers\.internal"
    r"|(?:gateway|kubernetes)\.docker\.internal"
    r"|docker\.for\.(?:mac|win)\.[a-z.]+|[A-Za-z0-9][A-Za-z0-9-]{0,62}\.(?:local|lan|fritz\.box|home\.arpa))(?=$|[:/,\"'\s?])",
    re.IGNORECASE,
)
_ITSELF = re.compile(r"localhost|127\.|\[?::1", re.IGNORECASE)
# Whom a server lets in, or what goes around a proxy: there the container itself is meant.
_MEANT = re.compile(r"allow|origin|cors|no_?proxy|trusted", re.IGNORECASE)


def is_client_path(word: str) -> bool:
    """Returns whether the word begins like a path of the machine that somebody's client runs on."""
    return bool(_PATH.match(word))


def is_below_any(path: str, folders: Sequence[str]) -> bool:
    """Returns whether the path is one of the folders or in it."""
    return any(f"{path}/".startswith(f"{each.rstrip('/')}/") for each in folders)


def client_path_in(text: str) -> str | None:
    """Returns the first path of a client's machine in the text, or None."""
    value = text.partition("=")[2] if text.startswith("-") and "=" in text else text
    if is_client_path(value):
        return value
    match = _INSIDE.search(text)
    return match[0] + _END.split(text[match.end() :], maxsplit=1)[0] if match else None


def warn_of_client_machine(
    words: Mapping[str, str], mounted: Sequence[str], findings: Findings, *, own_network: bool = True
) -> None:
    """Warns of words, by their key, that name a folder which the container lacks, or the client's own machine.

    ``mounted`` are the paths that the container does have; without an ``own_network`` it has the host's, and its
    localhost. Values of variables are not shown.
    """
    for key, word in words.items():
        path = client_path_in(word)
        if path and not is_below_any(path, mounted):
            what = quoted(path) if key.startswith("args") else "its value"
            findings.warn(
                key,
                f"{what} is a path of the client's machine, which the container does not have;"
                " mount a folder of the host there with orchestrator.volumes",
            )
        host = _HOST.search(word) if own_network else None
        if host and not _MEANT.search(key) and not _MEANT.match(word.lstrip("-").partition("=")[0]):
            itself = "is the container itself, not the client's machine; write the name of the one that is meant"
            _warn_of_host(key, host[1], itself, findings)


def warn_of_client_address(key: str, url: str, findings: Findings) -> None:
    """Warns where the address of a remote server leads to the client's own machine."""
    host = _HOST.search(url)
    if host:
        itself = "is another machine for each client; write the name of the one that is meant"
        _warn_of_host(key, host[1], itself, findings)


def warn_of_client_volumes(volumes: Sequence[str], places: Mapping[str, str], findings: Findings) -> None:
    """Warns of volumes whose source is a path of the client's machine; ``places`` has the key of each source."""
    for source in dict.fromkeys(volume.partition(":")[0] for volume in volumes):
        if is_client_path(source):
            findings.warn(
                places.get(source, "args"),
                f"{quoted(source)} is a path of the client's machine, which this host does not have;"
                " copy the folder to the host and write its path there",
            )


def _warn_of_host(key: str, host: str, itself: str, findings: Findings) -> None:
    if _ITSELF.match(host):
        findings.warn(key, f"'{host}' {itself}")
    else:
        findings.warn(key, f"'{host}' is known on the client's machine only; write a name that others can look up")
