"""What is measured of each server, one that runs elsewhere included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from records.samples import Latest

from monitor.api.documents import is_remote
from monitor.listeners import Listeners, TargetGroup
from monitor.metrics.measure import Families, Measure, ServerMeasure, seconds_of

_NOBODY_EXPECTS = "none"


@dataclass(frozen=True)
class Facts:
    """``document`` is the server in the state file, ``used`` what the watcher saw last."""

    document: Mapping[str, Any]
    used: Latest | None
    target_groups: Sequence[TargetGroup]

    @property
    def name(self) -> str:
        """The server's name."""
        return str(self.document["name"])

    @property
    def health(self) -> Mapping[str, Any]:
        """What its probe met."""
        found: Mapping[str, Any] = self.document["health"]
        return found


def _up(facts: Facts) -> float | None:
    if facts.document["severity"] == _NOBODY_EXPECTS:
        return None
    if facts.document["condition"] in ("quarantined", "invalid") or _did_not_come_up(facts.document):
        return 0
    return {"ok": 1, "asleep": 1, "failing": 0}.get(facts.health["status"])


def _did_not_come_up(document: Mapping[str, Any]) -> bool:
    """Whether nobody asked it because there is no container that could answer."""
    return bool(document["condition"] == "failing" and document.get("observed", "running") != "running")


def _probe_seconds(facts: Facts) -> float | None:
    milliseconds = facts.health["latency_ms"]
    return None if milliseconds is None else round(milliseconds / 1000, 6)


def _tools(facts: Facts) -> float | None:
    return len(facts.health["tools"]) if facts.health["checked"] else None


def _sessions(facts: Facts, key: str) -> float | None:
    told = facts.health["sessions"]
    return None if told is None else told[key]


def _replicas(facts: Facts, key: str) -> float | None:
    """What an older release's state does not say, and nothing where none is expected."""
    told = facts.document.get("replicas")
    return None if told is None or facts.document["severity"] == _NOBODY_EXPECTS else told[key]


def _quarantined(facts: Facts) -> float | None:
    if is_remote(facts.document):
        return None
    retry = facts.document["retry"]
    return int(retry is not None and retry["quarantined"])


def _failures(facts: Facts) -> float | None:
    retry = facts.document.get("retry")
    return retry["failures"] if retry else 0 if not is_remote(facts.document) else None


def _all_together(limit: float | None, facts: Facts) -> float | None:
    """The limits of all its containers, of each of which ``limit`` is one."""
    return None if limit is None or facts.used is None else limit * facts.used.containers


def _used(name: str, meaning: str, field: str, kind: str = "gauge") -> ServerMeasure:
    return ServerMeasure(
        Measure(name, meaning, kind), lambda facts: getattr(facts.used, field) if facts.used is not None else None
    )


def _limit(name: str, meaning: str, field: str) -> ServerMeasure:
    return ServerMeasure(
        Measure(name, meaning),
        lambda facts: _all_together(getattr(facts.used, field), facts) if facts.used is not None else None,
    )


MEASURES = (
    ServerMeasure(
        Measure(
            "mcp_server_up",
            "Whether it answered the last run, or sleeps: 1 or 0; nothing where nobody knows, or expects it.",
        ),
        _up,
    ),
    ServerMeasure(
        Measure("mcp_server_condition_since_timestamp_seconds", "When it came into its condition."),
        lambda facts: seconds_of(facts.document["since"]),
    ),
    ServerMeasure(Measure("mcp_server_probe_seconds", "What asking it for its tools took."), _probe_seconds),
    ServerMeasure(
        Measure("mcp_server_probed_timestamp_seconds", "When it was asked last."),
        lambda facts: seconds_of(facts.health["checked"]),
    ),
    ServerMeasure(
        Measure(
            "mcp_server_certificate_ends_timestamp_seconds",
            "Until when the certificate of a server that runs elsewhere holds.",
        ),
        lambda facts: seconds_of(facts.document.get("certificate_ends")),
    ),
    ServerMeasure(Measure("mcp_server_tools", "Tools that it listed last."), _tools),
    ServerMeasure(
        Measure("mcp_server_sessions_held", "Open sessions of a server that gives each a process, in the last run."),
        lambda facts: _sessions(facts, "held"),
    ),
    ServerMeasure(
        Measure("mcp_server_sessions_fit", "For how many sessions there was room then, with those."),
        lambda facts: _sessions(facts, "fit"),
    ),
    ServerMeasure(
        Measure("mcp_server_quarantined", "1 for one that has failed so often that it is left alone for long."),
        _quarantined,
    ),
    ServerMeasure(
        Measure("mcp_server_replicas_desired", "Containers that are to serve on this host."),
        lambda facts: _replicas(facts, "desired"),
    ),
    ServerMeasure(
        Measure("mcp_server_replicas_serving", "Containers that served there in the last run."),
        lambda facts: _replicas(facts, "serving"),
    ),
    ServerMeasure(
        Measure(
            "mcp_server_failures", "How often in a row its container did not come up; 0 for one that waits for nothing."
        ),
        _failures,
    ),
    _used("mcp_server_containers", "Containers that run.", "containers"),
    _used(
        "mcp_server_restarts_total",
        "Starts of its containers that no run has made, since the watcher's.",
        "restarts",
        "counter",
    ),
    _used(
        "mcp_server_oom_kills_total",
        "Processes killed for want of memory, since the watcher's start.",
        "oom_kills",
        "counter",
    ),
    _used("mcp_server_cpu_cores", "Processor time that its containers use, in cores.", "cpu"),
    _limit("mcp_server_cpu_limit_cores", "The most that they may use together.", "cpu_limit"),
    _used(
        "mcp_server_memory_bytes", "Memory of its containers, without file pages that the kernel may drop.", "memory"
    ),
    _limit("mcp_server_memory_limit_bytes", "The most that they may have together.", "memory_limit"),
    _used("mcp_server_processes", "Processes and threads in its containers.", "processes"),
    _limit("mcp_server_processes_limit", "The most that there may be together.", "processes_limit"),
    _used("mcp_server_network_receive_bytes_per_second", "What its containers receive.", "received"),
    _used("mcp_server_network_transmit_bytes_per_second", "What they send.", "sent"),
)

CONDITION = Measure("mcp_server_condition", "1 for the condition that it is in, by its name and its severity.")
INFO = Measure("mcp_server_info", "What it is: 1.", "info")
NEAR_LIMIT = Measure(
    "mcp_server_near_limit_ratio", "The part of a limit that is in use, where it has been near it for some minutes."
)
TARGETS = Measure("mcp_server_targets", "Targets at the load balancers by their health, on all hosts.")
TARGETS_CHECKED = Measure("mcp_server_targets_checked_timestamp_seconds", "When a run asked for their health last.")


def add_servers(
    families: Families,
    documents: Mapping[str, Mapping[str, Any]],
    used: Mapping[str, Latest],
    listeners: Listeners | None,
) -> None:
    """Adds what is measured of each server. ``documents`` and ``used`` are by name."""
    groups: dict[str, list[TargetGroup]] = {}
    for listener in listeners.listeners if listeners is not None else ():
        for group in listener.target_groups:
            groups.setdefault(group.server or "", []).append(group)
    every = [Facts(each, used.get(name), groups.get(name, ())) for name, each in documents.items()]
    families.add(INFO, *((_info(facts.document), 1) for facts in every))
    families.add(CONDITION, *((_condition(facts.document), 1) for facts in every))
    labels = [{"server": facts.name} for facts in every]
    for each in MEASURES:
        families.add(each.measure, *zip(labels, map(each.value, every), strict=True))
    families.add(NEAR_LIMIT, *_near_limits(every))
    families.add(TARGETS, *_targets(every))
    families.add(TARGETS_CHECKED, *((own, _checked(facts)) for own, facts in zip(labels, every, strict=True)))


def _info(document: Mapping[str, Any]) -> dict[str, str]:
    software = document["health"]["server"] or {}
    remote = is_remote(document)
    return {
        "server": document["name"],
        "group": document["group"] or "",
        "generation": document.get("generation") or "",
        "image": document.get("image") or "",
        "transport": (document["type"] if remote else document["transport"]) or "",
        "place": "elsewhere" if remote else "here",
        "software": " ".join(filter(None, (software.get("name"), software.get("version")))),
        "protocol": document["health"]["protocol"] or "",
    }


def _condition(document: Mapping[str, Any]) -> dict[str, str]:
    return {"server": document["name"], "condition": document["condition"], "severity": document["severity"]}


def _near_limits(every: Sequence[Facts]) -> Iterator[tuple[dict[str, str], float]]:
    for facts in every:
        for each in facts.used.near_limit if facts.used is not None else ():
            yield {"server": facts.name, "limit": each.limit}, each.share


def _targets(every: Sequence[Facts]) -> Iterator[tuple[dict[str, str], float]]:
    for facts in every:
        states: Counter[str] = Counter()
        for group in facts.target_groups:
            states.update(target.state for target in group.targets or ())
        for state, count in sorted(states.items()):
            yield {"server": facts.name, "state": state}, count


def _checked(facts: Facts) -> float | None:
    times = [seconds for group in facts.target_groups if (seconds := seconds_of(group.checked)) is not None]
    return min(times, default=None)
