"""What Prometheus scrapes, and where it finds that. The library that writes metrics is loaded with the first scrape."""

from __future__ import annotations

from monitor.access.users import VIEW
from monitor.api.documents import is_remote, state_document
from monitor.api.operation import Call, Operation, Parameter, Reply
from monitor.api.problem import INVALID, UNAVAILABLE, UNKNOWN, Mistake, Problem
from monitor.api.shape import TEXT, TEXTS, Shape, listed, record
from monitor.listeners import ListenersUnreadable
from monitor.metrics.balancer import kept
from monitor.metrics.neighbour import NobodyThere, NotTold, of_balancer, of_bridge
from monitor.metrics.targets import SHORT_ID, Monitor, bridges, logs_of, targets_of
from monitor.sources import Sources
from monitor.web import Answer

PLAIN, OPENMETRICS = "text/plain", "application/openmetrics-text"
LOOPBACK = "127.0.0.1"
_TARGETS: Shape = listed(
    record(
        {"targets": TEXTS, "labels": {"type": "object", "additionalProperties": TEXT}},
        "A target as Prometheus' HTTP discovery takes it.",
    ),
    "Metrics: the fleet's own first, then the load balancer's where it is on this host, then each bridge's.",
)


def _metrics(call: Call) -> Answer:
    from monitor.metrics.exposition import answer
    from monitor.metrics.page import families_of

    return answer(families_of(call.sources, call.now), call.request)


def _of_bridge(call: Call) -> Answer:
    wanted = call.values["container"]
    every = bridges(call.sources.all_containers())
    found = next((each for _server, each in every if each.id[:SHORT_ID] == wanted), None)
    if found is None or found.port is None:
        raise Problem(UNKNOWN, f"No container {wanted} with a bridge runs here; GET /targets lists those that do")
    try:
        return _told(call, of_bridge(_address(call.sources), found.port))
    except NobodyThere as error:
        raise Problem(UNKNOWN, f"The container {wanted} ends, or has just begun: {error}") from None
    except NotTold as error:
        raise Problem(UNAVAILABLE, f"The bridge of {wanted} has not told its metrics: {error}") from None


def _of_balancer(call: Call) -> Answer:
    place = call.sources.balancer_metrics
    if place is None:
        raise Problem(UNKNOWN, "No load balancer on this host tells its metrics; an ALB's are in CloudWatch")
    try:
        return _told(call, kept(of_balancer(*place), _servers_of_groups(call.sources)))
    except NotTold as error:
        raise Problem(UNAVAILABLE, f"The load balancer has not told its metrics: {error}") from None


def _told(call: Call, content: bytes) -> Answer:
    from monitor.metrics.exposition import told

    return told(content, call.request)


def _address(sources: Sources) -> str:
    """Where this host's servers listen, which is one address for all."""
    servers = state_document(sources).servers.values()
    found = (endpoint["address"] for each in servers if (endpoint := each.get("endpoint")) is not None)
    return next(filter(None, found), LOOPBACK)


def _servers_of_groups(sources: Sources) -> dict[str, str]:
    try:
        listeners = sources.listeners()
    except ListenersUnreadable:
        listeners = None
    every = [group for each in (listeners.listeners if listeners is not None else ()) for group in each.target_groups]
    return {group.name: group.server for group in every if group.server is not None}


def _targets(call: Call) -> Reply:
    state = state_document(call.sources)
    if call.values.get("of") == "logs":
        here = [each for each in state.servers.values() if not is_remote(each)]
        return Reply(logs_of(call.sources.directory, here, state.fleet))
    monitor = Monitor.of(call.request.headers, call.request.base)
    if monitor is None:
        mistake = Mistake("header.Host", "names no host under which the targets could be reached")
        raise Problem(INVALID, "See errors for everything that is wrong", mistakes=[mistake])
    has_balancer = call.sources.balancer_metrics is not None
    return Reply(targets_of(monitor, state.fleet, call.sources.all_containers(), has_balancer=has_balancer))


_BESIDE = "Also below the page's own path."
METRICS = (
    Operation(
        "getMetrics",
        "GET",
        "/metrics",
        VIEW,
        "What is measured of the fleet and its servers, for Prometheus.",
        _metrics,
        None,
        media=(PLAIN, OPENMETRICS),
        more=f"In OpenMetrics where Accept names it. {_BESIDE}",
    ),
    Operation(
        "getBridgeMetrics",
        "GET",
        "/metrics/bridges/{container}",
        VIEW,
        "What the bridge in a container of this host counts, for Prometheus.",
        _of_bridge,
        None,
        parameters=(
            Parameter(
                "container",
                {"type": "string", "pattern": "^[0-9a-f]{12}$"},
                "The first twelve digits of a container's id.",
                place="path",
                required=True,
            ),
        ),
        problems=(404,),
        media=(PLAIN,),
        more=f"It is asked now, which wakes no server. {_BESIDE}",
    ),
    Operation(
        "getBalancerMetrics",
        "GET",
        "/metrics/balancer",
        VIEW,
        "What the embedded load balancer counts, by server, for Prometheus.",
        _of_balancer,
        None,
        problems=(404,),
        media=(PLAIN,),
        more=_BESIDE,
    ),
    Operation(
        "listTargets",
        "GET",
        "/targets",
        VIEW,
        "All that is to be scraped here, for Prometheus' HTTP discovery.",
        _targets,
        _TARGETS,
        parameters=(
            Parameter(
                "of",
                {"type": "string", "enum": ["metrics", "logs"]},
                "metrics without it. logs: the files of what servers write and are asked, as the label __path__.",
            ),
        ),
        more=f"Each is scraped through this API, at the address and with the token of this call. {_BESIDE}",
    ),
)
