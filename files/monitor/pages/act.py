"""An action: the question before it, and the request that it becomes."""

from __future__ import annotations

import logging
from urllib.parse import quote

from request.client import NotWritten

from monitor.actions import ACTIONS, Action, request_action
from monitor.layout import refusal, render
from monitor.pages.unknown import unknown_server
from monitor.sources import Sources
from monitor.state import Server, StateUnreadable
from monitor.web import Answer, Request

log = logging.getLogger("monitor")


def question(request: Request, sources: Sources) -> Answer | None:
    """What will be, and a button to confirm it."""
    action = ACTIONS.get(request.arguments["action"])
    if action is None:
        return None
    server = _named(request.asked("server"), sources)
    if action.of_server and server is None:
        return _unknown(request, request.asked("server"), sources)
    asked = action.question.format(server.name if server else "")
    return render("act.html", request, action=action, server=server, question=asked)


def perform(request: Request, sources: Sources) -> Answer | None:
    """Asks the reconciler, and leads to where its answer will be."""
    action = ACTIONS.get(request.arguments["action"])
    if action is None:
        return None
    server = _named(request.filled("server"), sources)
    if action.of_server and server is None:
        return _unknown(request, request.filled("server"), sources)
    return _asked(request, sources, action, server.name if server and action.of_server else None)


def _asked(request: Request, sources: Sources, action: Action, server: str | None) -> Answer:
    try:
        identity = request_action(request, sources, action, server)
    except NotWritten as error:
        log.error("%s", error)
        return refusal(request, 503, "It could not be asked for", f"{error}. Nothing was done.")
    log.info("%s asks from %s: %s %s (request %s)", request.user.name, request.client, action.name, server, identity)
    return Answer(b"", 303, headers={"Location": f"{request.base}/requests/{quote(identity)}"})


def _named(name: str, sources: Sources) -> Server | None:
    """The server of that name in the last run's state."""
    try:
        return next((server for server in sources.state().servers if server.name == name), None)
    except StateUnreadable:
        return None


def _unknown(request: Request, name: str, sources: Sources) -> Answer:
    try:
        names = [each.name for each in sources.state().servers]
    except StateUnreadable:
        return refusal(request, 404, "Nobody knows the servers", "No run has left a report. Nothing was done.")
    return unknown_server(request, name, names, "Nothing was done.")
