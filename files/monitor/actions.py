"""What a user may ask for. Nothing is done here: a request is a file, and the next run does it, or says why not."""

from __future__ import annotations

from dataclasses import dataclass

from request.client import ask, identity

from monitor.sources import Sources
from monitor.state import Server
from monitor.waiting import Wanted
from monitor.web import Request


@dataclass(frozen=True)
class Action:
    """``name`` as requests have it; ``button``, ``question`` and what it ``means`` for people, ``{}`` being the server.

    Before one that ``hurts`` the question is asked.
    """

    name: str
    button: str
    question: str
    means: str
    hurts: bool = True
    of_server: bool = True


ACTIONS = {
    action.name: action
    for action in (
        Action(
            "stop",
            "Stop",
            "Stop {}?",
            "No container of it will run, and its clients get 503 from the load balancer, until somebody starts it or"
            " its entry in the config changes.",
        ),
        Action("start", "Start", "Start {}?", "It runs again, as the config says.", hurts=False),
        Action(
            "restart",
            "Restart",
            "Restart {}?",
            "It gets new containers, in a cluster new pods, beside the old ones, which are removed once they are"
            " drained. No request is lost; sessions that live in a process end with it.",
        ),
        Action(
            "pull",
            "Pull and roll",
            "Give {} the newest image?",
            "The newest image of its tag is pulled, or its package built anew, and rolled out if it is another one. If"
            " that fails, what serves goes on.",
        ),
        Action(
            "clear-override",
            "Clear override",
            "Go back to what the config says of {}?",
            "What operators have asked for on top of the config no longer holds: one that was stopped runs again.",
        ),
        Action("sync", "Sync now", "Start a run?", "A run brings everything to what the config says.", False, False),
    )
}


def offered(server: Server) -> tuple[Action, ...]:
    """What makes sense for a server as it is now."""
    if server.condition == "stopped":
        names = ["start", "restart"]
    elif server.desired == "running":
        # A cluster pulls its images itself: a run refuses a pull, or restarts what pulls at each start anyway.
        names = ["restart", "stop"] if server.is_in_cluster else ["restart", "pull", "stop"]
    else:
        names = []
    if server.override is not None:
        names.append("clear-override")
    return tuple(ACTIONS[name] for name in names)


def request_action(request: Request, sources: Sources, action: Action, server: str | None) -> str:
    """Writes the request of the user; returns its id. Raises NotWritten."""
    name = identity()
    wanted = Wanted(action.name, server, request.user.name, f"page {request.client}")
    said = {"action": action.name, "by": wanted.who, "from": wanted.origin}
    ask(sources.directory, name, said | ({"server": server} if server is not None else {}))
    sources.waiting.note(name, wanted)
    return name
