"""Why a server is as it is, and what the next run will do with it, as far as the last run knew. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Server = Mapping[str, Any]
"""A server of the state file, or a remote one."""

_DESIRED = {
    "running": "The config says that it is to run",
    "disabled": "Its entry says that it is disabled",
    "invalid": "Its entry is wrong",
}
_OBSERVED = {
    "running": "its container runs",
    "failed": "its container has failed",
    "stopped": "its container is stopped",
    "absent": "it has no container",
    "unknown": "the last run did not come so far as to look at its container",
}
_IN_CLUSTER = {
    "running": "its pods are ready",
    "failed": "no pod of it is ready",
    "stopped": "it has no pods",
    "absent": "the cluster has no Deployment of it",
    "unknown": "the last run did not come so far as to look at its pods",
}
_NEXT = {
    "failing": "It looks at the server again, and makes a new container where the one that there is does not serve",
    "invalid": "It does nothing with it until its entry is right; what serves of it goes on",
    "degraded": "It tries again what has failed; meanwhile the server goes on answering",
    "unknown": "It looks again",
    "starting": "It asks the server for its tools",
    "ok": "Nothing, unless its entry, its image or its container is another one by then",
    "asleep": "Nothing, unless its entry, its image or its container is another one by then; a call wakes the server",
    "on_other_hosts": "Nothing here: other hosts run it",
    "in_cluster": "Nothing here: the cluster runs it, and another host speaks to the cluster",
    "disabled": 'It keeps it without a container and a route, until "disabled" is taken out of its entry',
}


_NEXT_IN_CLUSTER = {
    "failing": "It looks at its pods again, which the cluster starts again and again, and tells why they are not ready",
    "ok": "Nothing, unless its entry is another one by then, or somebody has changed an object of it",
    "disabled": 'It keeps it without objects in the cluster, until "disabled" is taken out of its entry',
}


def because(server: Server) -> Iterator[str]:
    """Yields why it is in its condition, each in a sentence without its full stop."""
    if "desired" in server:
        observed = _IN_CLUSTER if _is_in_cluster(server) else _OBSERVED
        yield f"{_DESIRED[server['desired']]}, and {observed[server['observed']]}"
    else:
        yield "It runs elsewhere: it has no container here, and is only asked for its tools"
    yield from _asked(server.get("override") or {})
    reason, error = server["health"]["reason"], server["error"]
    if reason and reason not in (error or ""):
        yield f"When it was last asked: {reason}"
    if error:
        yield error
    retry = server.get("retry")
    if retry:
        times = f"It has failed {retry['failures']} times in a row" if retry["failures"] else "It has failed"
        yield f"{times}, so often that it is left alone for long" if retry["quarantined"] else times
    yield from server["notes"]


def _is_in_cluster(server: Server) -> bool:
    """Whether pods serve it: what stands for its container is their Deployment."""
    return str((server.get("container") or {}).get("id") or "").startswith("deployment/")


def _asked(override: Mapping[str, Any]) -> Iterator[str]:
    for kind in ("stopped", "restarted"):
        mark = override.get(kind)
        if mark:
            by = f" by {mark['by']}" if mark["by"] else ""
            at = f" at {mark['at']}" if mark["at"] else ""
            request = f" (request {mark['request']})" if mark["request"] else ""
            yield f"It was {kind}{by}{at}{request}"


def next_run(server: Server, interval: int | None) -> Iterator[str]:
    """Yields what the next run does with it; ``interval`` are the seconds between two runs."""
    condition, retry = server["condition"], server.get("retry")
    if "desired" not in server:
        yield "It asks it for its tools again" if condition != "disabled" else "Nothing: its entry is disabled"
    elif retry and condition in ("failing", "quarantined"):
        yield f"It leaves it alone until {retry['next_try']}, and the first run after that tries again"
        yield "A changed entry or a restart has it tried at once"
    elif condition == "stopped":
        by_request = (server.get("override") or {}).get("stopped")
        yield (
            "It leaves it stopped, until it is started or restarted, or its entry changes"
            if by_request
            else "It leaves it: somebody stopped its container by hand; a restart makes a new one"
        )
    else:
        words = {**_NEXT, **_NEXT_IN_CLUSTER} if _is_in_cluster(server) else _NEXT
        yield words.get(condition, "It looks again")
    if interval:
        yield f"A run comes every {interval} seconds, and at once after an edit or a request"
