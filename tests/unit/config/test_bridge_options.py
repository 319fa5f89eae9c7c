"""What an entry says of its bridge, and what the bridge understands, are the same."""

from __future__ import annotations

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import BRIDGE, ISOLATIONS, LOG_LEVELS
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import compose
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Image
from bridge import log, options
from bridge.limits import Limits

SAID = {
    "allowed_hosts": ["a.example", "b.example"],
    "call_record": False,
    "log_level": "debug",
    "max_message": 65536,
    "max_sessions": 7,
    "pool_size": 3,
    "resume_timeout": 9,
    "warm_processes": 0,
}


def understood(spec: Spec) -> options.Options:
    """What the bridge makes of the entrypoint of the server's container."""
    image = Image(id="sha256:1", entrypoint=("/server",), command=())
    entrypoint = compose(spec, image, Policy(fleet="f", bridge="/opt/bridge/1"), 20001)["Entrypoint"]
    return options.parse(entrypoint[entrypoint.index("bridge") + 1 :])


def test_every_key_of_an_entry_reaches_the_bridge() -> None:
    assert SAID.keys() == BRIDGE.keys.keys()
    times = {"idle_timeout": 60, "sleep_after": 0, "deep_check_interval": 7200}
    found = understood(Spec("time", "i", path="/mcp/time", isolation="pooled", **times, bridge=SAID))
    assert (found.path, found.isolation, found.command) == ("/mcp/time", "pooled", ["/server"])
    assert (found.hosts, found.log_level, found.call_record) == (["a.example", "b.example"], "debug", "off")
    limits = found.limits
    assert (limits.sessions, limits.message, limits.pool_size, limits.warm_processes) == (7, 65536, 3, 0)
    assert (limits.idle_seconds, limits.resume_seconds, limits.abandoned_seconds) == (60, 9, 9)
    assert (limits.sleep_after, limits.deep_check_seconds) == (0, 7200)


def test_an_entry_that_says_nothing_leaves_the_bridge_its_defaults() -> None:
    found = understood(Spec("time", "i", path="/mcp/time"))
    limits, defaults = found.limits, Limits()
    assert (found.hosts, found.log_level, found.isolation, found.call_record) == ([], "info", "per_session", "on")
    for name in Limits.__dataclass_fields__:
        assert getattr(limits, name) == getattr(defaults, name), name


def test_config_and_bridge_know_the_same_words() -> None:
    assert ISOLATIONS == options.ISOLATIONS
    assert LOG_LEVELS == log.LEVELS
