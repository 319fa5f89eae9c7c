# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking requests at the beginning of a run: each is recorded as something to be done, or refused.

A run may die between any two steps, so each step can be done once more. What is in ``taken`` is not recorded yet, or
only not removed yet; what is pending in overrides.json is recorded and not answered yet; what has a result is over.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.request import spool
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.answer import audit_line, result_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.drop_ins import DropIns
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.form import (
    CHECK,
    DELETE,
    ID,
    WITH_ENTRY,
    Refused,
    Request,
    Who,
    parse,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.overrides import (
    NotOverrides,
    Overrides,
    decide,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.record import read_overrides, write_overrides
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.spool import Rooms

ROOT = 0
# Each has the reader of the config read all of it; the next run takes the rest.
CREATIONS_A_RUN = 100


@dataclass
class Taking:
    """What came of taking. ``overrides`` are those that the run works with; ``accepted`` counts the requests of now.

    ``problems`` are sentences for the state: what could not be done, and what becomes of it.
    """

    overrides: Overrides = field(default_factory=Overrides)
    accepted: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Moment:
    """The run that takes, and its time as 2026-11-29T01:20:00Z."""

    run: str
    now: str


def take(rooms: Rooms, drop_ins: DropIns, owners: Collection[int], moment: Moment) -> Taking:
    """Takes what is in the spool. Nothing is raised: what cannot be done now is in ``problems``, and done later."""
    taking = Taking()
    try:
        with spool.locked(rooms):
            taking.overrides = _standing(rooms, taking)
            if spool.waiting(rooms):
                _take_all(rooms, drop_ins, owners, moment, taking)
                spool.prune(rooms)
    except FileNotFoundError:
        pass  # no folder of this host has ever held one
    except OSError as error:
        taking.problems.append(_later(rooms, error))
        # What is not written down has not happened.
        taking.overrides = _written(rooms)
        taking.accepted = [each for each in taking.accepted if each in taking.overrides.pending]
    return taking


def _written(rooms: Rooms) -> Overrides:
    try:
        return read_overrides(rooms.overrides)
    except (OSError, NotOverrides):
        return Overrides()


def _standing(rooms: Rooms, taking: Taking) -> Overrides:
    """The overrides of before; a file of something else is moved aside."""
    try:
        return read_overrides(rooms.overrides)
    except NotOverrides as error:
        aside = f"{rooms.overrides}.{time.time_ns()}.corrupt"
        os.rename(rooms.overrides, aside)
        taking.problems.append(
            f"{rooms.overrides} {error}; it was moved to {aside}. What operators had asked for is forgotten: servers"
            " that they had stopped are started; stop them again (make stop NAME=…)"
        )
        return Overrides()


def _take_all(rooms: Rooms, drop_ins: DropIns, owners: Collection[int], moment: Moment, taking: Taking) -> None:
    names = spool.take_in(rooms)
    recorded: list[str] = []
    creations = 0
    for name in names:
        path = os.path.join(rooms.taken, name)
        identity = name.removesuffix(spool.SUFFIX)
        known = taking.overrides.pending.get(identity) if name.endswith(spool.SUFFIX) else None
        if known is not None:  # a run recorded it and died before it removed the file
            if known.request.action == DELETE and known.request.server:
                drop_ins.delete(known.request.server)
            recorded.append(path)
            continue
        request: Request | None = None
        try:
            request = _read(rooms, path, name, owners)
            if request.action in (*WITH_ENTRY, DELETE):
                creations += 1
                if creations > CREATIONS_A_RUN:
                    break
            _record(request, drop_ins, moment, taking)
        except Refused as refusal:
            _refuse(rooms, path, name, request, refusal, moment, taking)
            continue
        recorded.append(path)
        if request.action == DELETE:
            _commit(rooms, taking, recorded, drop_ins, request.server or "")
    _commit(rooms, taking, recorded)


def _read(rooms: Rooms, path: str, name: str, owners: Collection[int]) -> Request:
    identity = name.removesuffix(spool.SUFFIX)
    if not name.endswith(spool.SUFFIX) or not ID.fullmatch(identity):
        raise Refused("its name is no id with .json: use letters, digits, '_' and '-', at most 64")
    try:
        content, uid, user = spool.read_taken(path, owners)
    except OSError as error:
        raise Refused(f"it cannot be read: {error.strerror}") from error
    if os.path.lexists(rooms.result(identity)):
        raise Refused("a request of this id was answered before; give each its own")
    return parse(identity, content, uid, user)


def _record(request: Request, drop_ins: DropIns, moment: Moment, taking: Taking) -> None:
    """Puts a request into the overrides, and a new server into the config. Raises Refused, and OSError."""
    note = ""
    if request.action in WITH_ENTRY and request.server and request.entry:
        is_trusted = request.who.uid in (ROOT, os.geteuid())
        if request.action == CHECK:
            note = "; ".join(drop_ins.check(request.server, request.entry, is_trusted))
        else:
            drop_ins.create(request.server, request.entry, is_trusted)
    taking.overrides = decide(request, taking.overrides, _Late(drop_ins), moment.now, note)
    taking.accepted.append(request.id)


class _Late(Mapping[str, Any]):
    """The servers of the config, read when the first request asks for one."""

    def __init__(self, drop_ins: DropIns) -> None:
        self._drop_ins = drop_ins

    def __getitem__(self, name: str) -> Any:
        return self._drop_ins.known[name]

    def __iter__(self) -> Any:
        return iter(self._drop_ins.known)

    def __len__(self) -> int:
        return len(self._drop_ins.known)


def _commit(
    rooms: Rooms, taking: Taking, recorded: list[str], drop_ins: DropIns | None = None, deleted: str = ""
) -> None:
    """Writes down what was accepted, and then removes what asked for it. Raises OSError."""
    if not recorded:
        return
    write_overrides(rooms.overrides, taking.overrides)
    if drop_ins is not None:
        drop_ins.delete(deleted)
    while recorded:
        os.unlink(recorded[-1])
        recorded.pop()


def _refuse(
    rooms: Rooms, path: str, name: str, request: Request | None, refusal: Refused, moment: Moment, taking: Taking
) -> None:
    """Answers that a request is not done, and takes it away. Raises OSError when it cannot be taken away."""
    identity = name.removesuffix(spool.SUFFIX)
    taking.refused.append(f"{_shown(name)}: {refusal}")
    try:
        told = identity if ID.fullmatch(identity) else _shown(name)
        result = result_of(told, request, "refused", refusal.messages, moment.run, owner=_owner(path))
        if ID.fullmatch(identity) and not os.path.lexists(rooms.result(identity)):
            spool.write_result(rooms, identity, result)
        spool.append_audit(rooms, audit_line(result))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise  # nothing is lost: it stays in taken, and is refused when there is room again
        taking.problems.append(f"the answer to {_shown(name)} cannot be written: {error.strerror}")
    if request is not None and request.action in WITH_ENTRY:
        os.unlink(path)  # its values are nobody's business; the answer says what was wrong
    else:
        spool.move_aside(rooms, path)


def _owner(path: str) -> Who | None:
    try:
        uid = os.lstat(path).st_uid
    except OSError:
        return None
    return Who(uid, spool.user_name(uid))


def _shown(name: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in name)[:80]


def _later(rooms: Rooms, error: OSError) -> str:
    where = error.filename or rooms.directory
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"requests wait: no space is left in {rooms.directory}; make room, and the next run does them"
    return f"requests wait: {where}: {error.strerror}; the next run tries again"


def foreseen(rooms: Rooms, drop_ins: DropIns, owners: Collection[int], moment: Moment) -> Taking:
    """Returns what ``take`` would do now, without doing it; new servers are not looked at. Raises nothing."""
    taking = Taking()
    try:
        taking.overrides = read_overrides(rooms.overrides)
        for folder in (rooms.taken, rooms.spool):
            for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
                if name.startswith(".") or name.removesuffix(spool.SUFFIX) in taking.overrides.pending:
                    continue
                try:
                    request = _read(rooms, os.path.join(folder, name), name, owners)
                    taking.overrides = decide(request, taking.overrides, _Late(drop_ins), moment.now)
                    taking.accepted.append(request.id)
                except Refused as refusal:
                    taking.refused.append(f"{_shown(name)}: {refusal}")
    except (OSError, NotOverrides) as error:
        taking.problems.append(f"{rooms.overrides} {error}")
    return taking
