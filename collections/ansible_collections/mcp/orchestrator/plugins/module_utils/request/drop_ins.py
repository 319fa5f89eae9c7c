# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of the servers that requests make: drop-ins of the config, which its reader has accepted first."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import OWNER_ONLY, replace_file
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.placement import sides_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import EmptyResolver
from ansible_collections.mcp.orchestrator.plugins.module_utils.request import rights
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.form import Refused
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.overrides import Known

SUFFIX = ".request.json"


class DropIns:
    """The config of a fleet as requests see and change it: ``config`` are its files, drop-ins are made by the first."""

    def __init__(self, config: Sequence[str], settings: str | None, key: bytes) -> None:
        self._config = list(config)
        self._settings = settings
        self._key = key
        self._known: Mapping[str, Known] | None = None

    @property
    def known(self) -> Mapping[str, Known]:
        """The servers of the config by name. Raises Refused where it cannot be read."""
        if self._known is None:
            self._known = self._read()
        return self._known

    def _read(self) -> Mapping[str, Known]:
        try:
            fleet = read_fleet(self._config, self._settings, self._key, EmptyResolver())
        except ConfigFileError as error:
            reasons = " ".join(str(error).splitlines())
            raise Refused(
                f"the config cannot be read, so that it is not known which servers there are: {reasons}"
            ) from None
        remotes = {each.name for each in fleet.remotes}
        specs = {each.name: each for each in fleet.specs}
        on_cluster = sides_of(fleet.specs, fleet.settings).on_cluster
        return {
            name: Known(
                entry=fleet.entry_digest(name, self._key) or "",
                file=file,
                kind="remote" if name in remotes else "server" if name in specs else "invalid",
                enabled=specs[name].enabled if name in specs else True,
                ours=os.path.exists(self._path(name)),
                in_cluster=name in on_cluster,
                pulls=name in specs and specs[name].pull == "always" and specs[name].build is None,
            )
            for name, file in fleet.files.items()
        }

    def create(self, name: str, entry: Mapping[str, Any], is_trusted: bool) -> None:
        """Writes the drop-in of a new server, once the reader of the config has no error for it.

        One that ``is_trusted`` may ask for whatever the settings allow, as who writes the config may; of others see
        ``rights``. A drop-in of the very same entry is left as it is: an earlier run has not come to its end. Raises
        Refused, and OSError.
        """
        _refuse_references(entry, is_trusted)
        path = self._path(name)
        if _content(path) == _document(name, entry):
            return
        folder, file = os.path.split(path)
        os.makedirs(folder, 0o700, exist_ok=True)
        candidate = os.path.join(folder, f".{file}")  # the reader passes over it
        try:
            self._judged(name, entry, is_trusted, candidate)
            os.replace(candidate, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(candidate)
        self._known = None

    def check(self, name: str, entry: Mapping[str, Any], is_trusted: bool) -> list[str]:
        """Judges as ``create`` does, and makes nothing. Returns what of the entry is ignored or decided, and why.

        Raises Refused, and OSError.
        """
        _refuse_references(entry, is_trusted)
        with tempfile.TemporaryDirectory() as folder:
            fleet = self._judged(name, entry, is_trusted, os.path.join(folder, f".{name}{SUFFIX}"))
        return list(fleet.explain.get(name, ()))

    def _judged(self, name: str, entry: Mapping[str, Any], is_trusted: bool, candidate: str) -> Fleet:
        """The config with a new server in it, whose entry is written to ``candidate``. Raises Refused, and OSError."""
        if name in self.known:
            raise Refused(f"there is a server {name} already, in {self.known[name].file}")
        replace_file(candidate, _document(name, entry), OWNER_ONLY)
        fleet = self._accepted(name, candidate)
        spec = next((each for each in fleet.specs if each.name == name), None)
        if not is_trusted and (reasons := list(rights.of_spec(spec, fleet.settings))):
            raise Refused(*reasons)
        return fleet

    def _accepted(self, name: str, candidate: str) -> Fleet:
        """The config with the candidate in it. Raises Refused with all that the reader has against it."""
        before = {str(each) for each in self._fleet(self._config).errors}
        fleet = self._fleet([*self._config, candidate])
        errors = [
            str(each).replace(f".{name}{SUFFIX}", name + SUFFIX) for each in fleet.errors if str(each) not in before
        ]
        if errors:
            raise Refused(*errors)
        if name not in fleet.files:
            raise Refused(f"the config's reader finds no server {name} in it")
        most = fleet.settings.service.max_servers
        if len(fleet.files) > most:
            raise Refused(
                f"there are {len(fleet.files) - 1} servers, and requests may make no more than {most} of them; remove"
                " one, or raise [service] max_servers in settings.conf"
            )
        return fleet

    def _fleet(self, config: Sequence[str]) -> Fleet:
        try:
            return read_fleet(config, self._settings, self._key)
        except ConfigFileError as error:
            raise Refused(*(str(each) for each in error.errors)) from None

    def delete(self, name: str) -> None:
        """Removes the drop-in of a server, where there is one. Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(name))
        self._known = None

    def _path(self, name: str) -> str:
        folder = f"{self._config[0].removesuffix('.json')}.d"
        return os.path.join(folder, name + SUFFIX)


def _refuse_references(entry: Mapping[str, Any], is_trusted: bool) -> None:
    if not is_trusted and (reasons := list(rights.of_entry(entry))):
        raise Refused(*reasons)


def _document(name: str, entry: Mapping[str, Any]) -> bytes:
    return (json.dumps({"mcpServers": {name: entry}}, indent=2) + "\n").encode()


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
