# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""LiteLLM's two places for MCP servers, its config file and its database, read and brought to what they should hold."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import (
    READABLE,
    reason_of,
    replace_file,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.admin_api import AdminApi
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.config_file import entries_in, merged
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.entry import Entry, Json, service_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.plan import Action, plan

RELOAD_SECONDS = 120


class PlaceError(Exception):
    """A place cannot be read or written; the message names it and the way out."""


@dataclass(frozen=True)
class Held:
    """What LiteLLM has: the fleet's entries by server, and the names and ids that are others'."""

    ours: Mapping[str, Json]
    names: Mapping[str, str] = field(default_factory=dict)
    """The name at LiteLLM, by server."""
    others: Sequence[str] = ()
    ids: Sequence[str] = ()


@dataclass(frozen=True)
class Planned:
    """What is to be done, and the fleet's entries by their names at LiteLLM before and after it."""

    actions: Sequence[Action]
    before: Mapping[str, Json]
    after: Mapping[str, Json]


class Place(Protocol):
    """Where LiteLLM's servers stand."""

    def held(self) -> Held:
        """Returns what is there. Raises PlaceError, NotMerged, AdminError."""

    def planned(self, entries: Sequence[Entry], kept: Sequence[str]) -> Planned:
        """Returns what makes it the entries; what is there of the servers ``kept`` stays. After ``held``."""

    def apply(self, actions: Sequence[Action]) -> None:
        """Does what was planned. Raises PlaceError, AdminError."""


class ConfigFile:
    """A config of LiteLLM, or a file that one includes. It need not be there yet."""

    def __init__(self, path: str, fleet: str) -> None:
        self._path, self._fleet = path, fleet
        self._text = self._wanted = ""
        self._ours: dict[str, tuple[str, Json]] = {}

    def held(self) -> Held:
        """See Place."""
        try:
            with open(self._path, encoding="utf-8", newline="") as file:
                self._text = file.read()
        except FileNotFoundError:
            self._text = ""
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
            raise PlaceError(f"{self._path} cannot be read: {reason}") from None
        others, ids = [], []
        for name, told in entries_in(self._text).items():
            service = service_of(told, self._fleet)
            if service is not None:
                self._ours[service] = (name, told)
                continue
            entry = told if isinstance(told, dict) else {}
            others += [name, *([str(entry["alias"])] if entry.get("alias") else [])]
            ids += [str(entry["server_id"])] if entry.get("server_id") else []
        ours = {service: told for service, (_name, told) in self._ours.items()}
        return Held(ours, {service: name for service, (name, _told) in self._ours.items()}, others, ids)

    def planned(self, entries: Sequence[Entry], kept: Sequence[str]) -> Planned:
        """See Place."""
        stays = {name: told for service, (name, told) in self._ours.items() if service in kept}
        after = {**stays, **{entry.name: entry.in_config(self._fleet) for entry in entries}}
        before = dict(self._ours.values())
        self._wanted = merged(self._text, self._fleet, after)
        actions = [
            _file_action(name, before.get(name), after.get(name), self._fleet)
            for name in sorted({*before, *after})
            if before.get(name) != after.get(name)
        ]
        if not actions and self._wanted != self._text:
            actions = [Action("write", "", "", "our part of the file is not as it should be", {})]
        return Planned(actions, before, after)

    def apply(self, actions: Sequence[Action]) -> None:
        """See Place."""
        path = os.path.realpath(self._path)
        try:
            former = os.stat(path)
            mode, owner, group = stat.S_IMODE(former.st_mode), former.st_uid, former.st_gid
        except OSError:
            mode, owner, group = READABLE, -1, -1
        try:
            replace_file(path, self._wanted.encode(), mode, group, owner)
        except OSError as error:
            raise PlaceError(
                f"{path}: cannot be written: {reason_of(error, os.path.dirname(path))}; where the timer's runs alone"
                " cannot, run setup.sh, which allows them the folder"
            ) from None


class Database:
    """The database of a running LiteLLM, through its admin API."""

    def __init__(self, api: AdminApi, fleet: str) -> None:
        self._api, self._fleet = api, fleet
        self._ours: dict[str, Json] = {}

    def held(self) -> Held:
        """See Place."""
        others, ids = [], []
        for told in self._api.servers():
            service = service_of(told, self._fleet)
            if service is not None:
                self._ours[service] = told
                continue
            others += [str(told[key]) for key in ("server_name", "alias") if told.get(key)]
            ids.append(str(told.get("server_id")))
        names = {service: str(told.get("server_name")) for service, told in self._ours.items()}
        return Held(dict(self._ours), names, others, ids)

    def planned(self, entries: Sequence[Entry], kept: Sequence[str]) -> Planned:
        """See Place."""
        actions = plan(self._fleet, self._ours, entries, kept)
        after = {str(told.get("server_id")): told for told in self._ours.values()}
        for action in actions:
            after[action.server_id] = action.body
        named = {str(told.get("server_name")): told for told in after.values() if told}
        return Planned(actions, {str(told.get("server_name")): told for told in self._ours.values()}, named)

    def apply(self, actions: Sequence[Action]) -> None:
        """See Place."""
        for action in actions:
            self._api.do(action)


def reload(command: str) -> None:
    """Runs the command by which LiteLLM reads its config again, without a shell. Raises PlaceError.

    What the command writes is not told: nobody knows what is in it.
    """
    words = shlex.split(command)
    try:
        ended = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=RELOAD_SECONDS, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        raise PlaceError(f"'{words[0]}' of [litellm] reload has not ended after {RELOAD_SECONDS} s") from None
    except OSError as error:
        raise PlaceError(f"'{words[0]}' of [litellm] reload cannot be run: {error.strerror}") from None
    if ended:
        raise PlaceError(f"'{words[0]}' of [litellm] reload ended with {ended}; run it by hand to see why")


def _file_action(name: str, before: Any, after: Any, fleet: str) -> Action:
    body = after or {}
    service = service_of(after or before, fleet) or name
    server_id = str((after or before).get("server_id"))
    if before is None:
        return Action("create", service, server_id, "LiteLLM's config does not have it", body)
    if after is None:
        return Action("delete", service, server_id, "it is no longer in the config", body)
    changed = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    return Action("update", service, server_id, f"other {', '.join(changed)}", body)
