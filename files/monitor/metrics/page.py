"""All that there is to measure, from the files of a site."""

from __future__ import annotations

from datetime import datetime

from records.spans import read_progress

from monitor.api.documents import StateDocument, state_document
from monitor.api.problem import Problem
from monitor.listeners import Listeners, ListenersUnreadable
from monitor.metrics.fleet import add_listeners, add_run, add_spans, add_watcher
from monitor.metrics.measure import Families
from monitor.metrics.servers import add_servers
from monitor.sources import Sources

_REPAIRED = "repaired"


def families_of(sources: Sources, now: datetime) -> Families:
    """Returns the families. What cannot be read is left out; that it cannot is a measure."""
    families = Families()
    state, listeners, sampled = _state(sources), _listeners(sources), sources.samples.now()
    add_run(families, state, state.fleet if state is not None else "", _repaired(sources))
    add_watcher(families, sampled, now)
    add_spans(families, read_progress(sources.directory / "traces"))
    add_listeners(families, listeners)
    if state is not None:
        add_servers(families, state.servers, sampled.servers, listeners)
    return families


def _state(sources: Sources) -> StateDocument | None:
    try:
        return state_document(sources)
    except Problem:
        return None


def _listeners(sources: Sources) -> Listeners | None:
    try:
        return sources.listeners()
    except ListenersUnreadable:
        return None


def _repaired(sources: Sources) -> int | None:
    """In how many servers the last run found a difference that nobody had asked for; None without a report of it."""
    found = sources.runs(1)
    if not found:
        return None
    return len({event.server for event in found[0].events if event.event == _REPAIRED})
