# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What operators ask for on top of the config, and how requests change it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.form import (
    CHECK,
    CLEAR,
    CREATE,
    DELETE,
    PULL,
    RESTART,
    START,
    STOP,
    SYNC,
    Refused,
    Request,
)

VERSION = 1
# What says the opposite of what, when both are asked before a run.
_OPPOSITES = {
    STOP: (START, RESTART, CLEAR, DELETE),
    START: (STOP, DELETE),
    RESTART: (STOP, DELETE),
    PULL: (STOP, DELETE),
    CREATE: (DELETE,),
    CLEAR: (STOP,),
    DELETE: (CREATE,),
}


class NotOverrides(ValueError):
    """The file of the overrides holds something else; the reason reads after its name."""


@dataclass(frozen=True)
class Mark:
    """Who asked for something, when (RFC 3339, UTC), and by which request."""

    by: str
    at: str
    request: str

    @property
    def text(self) -> str:
        """Returns it as people read it: by admin at 2026-11-29 01:20 UTC."""
        return f"by {self.by} at {self.at[:10]} {self.at[11:16]} UTC"


@dataclass(frozen=True)
class Override:
    """What holds for one server until its entry changes. ``entry`` is the digest of the entry that it is about."""

    entry: str
    stopped: Mark | None = None
    restarted: Mark | None = None


@dataclass(frozen=True)
class Pending:
    """A request that is accepted and not answered yet. ``note`` is what is to be told of it besides."""

    request: Request
    taken: str
    note: str = ""


@dataclass(frozen=True)
class Overrides:
    """``servers`` by name, and ``pending`` by id in the order in which they were asked."""

    servers: Mapping[str, Override] = field(default_factory=dict)
    pending: Mapping[str, Pending] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain data, as overrides.json holds it."""
        return {
            "version": VERSION,
            "servers": {name: _override_dict(each) for name, each in sorted(self.servers.items())},
            "pending": {
                identity: {
                    "action": each.request.action,
                    "server": each.request.server,
                    "who": each.request.who.to_dict(),
                    "from": each.request.origin,
                    "taken": each.taken,
                    "note": each.note,
                }
                for identity, each in self.pending.items()
            },
        }

    def without(self, names: Sequence[str]) -> Overrides:
        """Returns these without what holds for some servers."""
        return replace(self, servers={name: each for name, each in self.servers.items() if name not in names})

    def superseded(self, identity: str) -> str | None:
        """Returns the id of a later request that says the opposite of this one, None where there is none."""
        asked = self.pending[identity].request
        later = list(self.pending)[list(self.pending).index(identity) + 1 :]
        for each in later:
            other = self.pending[each].request
            if other.server == asked.server and other.action in _OPPOSITES.get(asked.action, ()):
                return each
        return None


@dataclass(frozen=True)
class Known:
    """A server that the config holds: the digest of its entry, the file where it stands, and what it is.

    ``kind`` is server, remote (it runs elsewhere) or invalid; ``ours`` says whether a request made it. ``in_cluster``:
    it runs in one, whose nodes pull its image; ``pulls`` whether they do so for each pod.
    """

    entry: str
    file: str
    kind: str = "server"
    enabled: bool = True
    ours: bool = False
    in_cluster: bool = False
    pulls: bool = False


def decide(request: Request, overrides: Overrides, known: Mapping[str, Known], now: str, note: str = "") -> Overrides:
    """Returns the overrides after a request, with the request among the pending. Raises Refused.

    ``now`` is the time of the run, as 2026-11-29T01:20:00Z; ``note`` is what is to be told of a check.
    """
    name = request.server
    if request.action in (SYNC, CHECK) or name is None:
        return _accepted(overrides, request, now, note)
    if request.action == CREATE:
        return _accepted(overrides.without([name]), request, now)
    server = known.get(name)
    if server is None:
        raise Refused(f"there is no server {name} in the config")
    if request.action == DELETE:
        if not server.ours:
            raise Refused(
                f"{name} stands in {server.file}, which is not a request's; remove it there, or stop it, or set"
                ' "disabled": true in its entry'
            )
        return _accepted(overrides.without([name]), request, now)
    _refuse_what_does_not_run(request.action, name, server)
    standing = overrides.servers.get(name)
    if standing is None or standing.entry != server.entry:
        standing = Override(server.entry)
    if request.action == PULL and server.in_cluster and not server.pulls:
        raise Refused(
            f"{name} runs in the cluster, and its nodes keep the image that they have; write another tag into"
            f" {server.file}, or --pull always, with which new pods pull it"
        )
    after, note = _changed(request, standing, Mark(request.who.text, now, request.id), in_cluster=server.in_cluster)
    servers = {**overrides.servers, name: after}
    if after.stopped is None and after.restarted is None:
        del servers[name]
    return _accepted(replace(overrides, servers=servers), request, now, note)


def _refuse_what_does_not_run(action: str, name: str, server: Known) -> None:
    if server.kind == "remote":
        raise Refused(f"{name} runs elsewhere; nothing of it runs here")
    if action == CLEAR:
        return
    if server.kind == "invalid":
        raise Refused(f"the entry of {name} in {server.file} has errors; correct it first")
    if not server.enabled:
        raise Refused(f'{name} is disabled in {server.file}; remove "disabled" there')


def _changed(request: Request, standing: Override, mark: Mark, *, in_cluster: bool) -> tuple[Override, str]:
    """What holds after one request, and what is to be told of it."""
    stopped = standing.stopped
    if request.action == STOP:
        if stopped is not None:
            return standing, f"it was stopped already, {stopped.text}"
        return replace(standing, stopped=mark), ""
    if request.action == START:
        return replace(standing, stopped=None), "" if stopped else "no request had stopped it"
    if request.action == RESTART:
        return replace(standing, stopped=None, restarted=mark), ""
    if request.action == CLEAR:
        nothing = stopped is None and standing.restarted is None
        return replace(standing, stopped=None, restarted=None), "there was no override" if nothing else ""
    if stopped is not None:
        raise Refused(f"{request.server} is stopped, {stopped.text}; start it first")
    if in_cluster:  # a pull: only new pods do that
        return replace(standing, restarted=mark), ""
    return standing, ""


def _accepted(overrides: Overrides, request: Request, now: str, note: str = "") -> Overrides:
    # The values of an entry are in its file now, and nowhere else.
    kept = replace(request, entry=None)
    return replace(overrides, pending={**overrides.pending, request.id: Pending(kept, now, note)})


@dataclass(frozen=True)
class Applied:
    """Specs with the overrides in them.

    ``lapsed`` are the servers whose override no longer holds: their entry has changed, or is gone. ``rebuild`` are
    those whose image is built here and is to be built anew.
    """

    specs: list[Spec]
    lapsed: list[str]
    rebuild: list[str]


def apply(overrides: Overrides, specs: Sequence[Spec], entries: Mapping[str, str], unread: Sequence[str]) -> Applied:
    """Puts the overrides into the specs.

    ``entries`` are the digests of the config's entries by server; ``unread`` the servers of whose entry nothing is
    known, because it has errors: what was asked for them stands.
    """
    lapsed = [
        name for name, each in overrides.servers.items() if entries.get(name) != each.entry and name not in unread
    ]
    standing = overrides.without(lapsed).servers
    pulled = {each.request.server for each in overrides.pending.values() if each.request.action == PULL}
    applied = []
    for spec in specs:
        found = standing.get(spec.name)
        if found is not None:
            spec = replace(
                spec,
                stopped=found.stopped.text if found.stopped else None,
                restarted=found.restarted.request if found.restarted else None,
            )
        if spec.name in pulled and spec.build is None:
            spec = replace(spec, pull="always")
        applied.append(spec)
    return Applied(applied, sorted(lapsed), sorted(each.name for each in specs if each.build and each.name in pulled))


def _override_dict(override: Override) -> dict[str, Any]:
    marks = {"stopped": override.stopped, "restarted": override.restarted}
    return {"entry": override.entry, **{key: vars(mark) for key, mark in marks.items() if mark is not None}}
