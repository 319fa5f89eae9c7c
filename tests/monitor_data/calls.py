"""Calls, in the words of the bridge's record, as the watcher keeps them."""

from __future__ import annotations

import random
from pathlib import Path

from bridge.call_record import digest
from bridge.word import word
from records.call import OUTCOMES
from records.line import CALL, SHORT_ID
from records.moment import SECOND, text_of

from tests.monitor_data.fleet import Fleet
from tests.monitor_data.logs import server_log
from tests.monitor_data.past import Past

_OFTEN = (960, 25, 5, 3, 5, 2)


def write_calls(directory: Path, fleet: Fleet, past: Past, calls: int, seed: int) -> None:
    """Writes ``calls`` below ``directory``: about so many of each bridged server, a third of them in the last hour."""
    for name in fleet.names:
        if name not in fleet.bridged:
            continue
        chance = random.Random(f"{seed} calls {name}")
        log = server_log(directory, name)
        share = chance.random() ** 2
        length = past.ended - past.begun
        lately = [past.ended - chance.random() * 3600 for _ in range(int(calls * share / 3))]
        before = [past.ended - length * chance.random() for _ in range(int(calls * share * 2 / 3))]
        spells = [each for each in past.spells if each.server == name and each.condition == "failing"]
        tools = fleet.tools(name)
        generations = past.rolls.get(name, [])
        for time in sorted([*lately, *before]):
            if past.is_dark(int(time)) or any(each.begun <= time < each.ended for each in spells):
                continue
            at = text_of(int(time * SECOND))
            outcome = chance.choices(OUTCOMES, _OFTEN)[0]
            took = chance.lognormvariate(3, 1)
            called = chance.random() < 0.8
            method, tool = ("tools/call", chance.choice(tools)) if called else ("tools/list", "")
            session = digest(f"{name} {chance.randint(1, 9)}")
            text = f"{at[:23]}Z {session} {word(method)} {word(tool)} {outcome} {took:.1f}"
            container = fleet.container(name, sum(each <= time for each in generations))[:SHORT_ID]
            log.keep(at, CALL, container, text.encode("ascii"))
        log.flush()
        log.save()
