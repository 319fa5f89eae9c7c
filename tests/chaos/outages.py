"""Blows to the API of the load balancer and to the clock: minutes of throttling, of errors, and of a wrong time."""

from __future__ import annotations

import http.client
import json
import random
import subprocess
import time
from collections.abc import Callable
from typing import Any

from tests.chaos import scene
from tests.chaos.clock import Clock
from tests.e2e.support.sample import ANOTHER
from tests.e2e.support.site import CONTROL, Site

PARTITION_SECONDS = 20.0
# Tokens at once and a second, for describe operations and others: a run that adds a server needs far more of both than
# two minutes give it.
THROTTLED = {"throttle": {"describe": [4, 0.1], "other": [1, 0.02]}}
UNAVAILABLE = {"faults": [{"error": {"code": "ServiceUnavailable", "message": "come again later", "status": 503}}]}


def set_faults(document: dict[str, Any]) -> None:
    """Has the site's control plane fail as the document says (files/local_alb/api/faults.py). Raises OSError."""
    connection = http.client.HTTPConnection(CONTROL, timeout=10)
    try:
        connection.request("PUT", "/faults", json.dumps(document))
        answer = connection.getresponse()
        if answer.status != 204:
            raise OSError(f"the control plane takes no faults: {answer.status} {answer.read()[:200]!r}")
    finally:
        connection.close()


def throttled(site: scene.FaultySite, chance: random.Random) -> Callable[[], object]:
    """An edit while the API answers hardly any call."""
    set_faults(THROTTLED)
    site.write_config({**scene.SERVERS, f"new{chance.randrange(10**6)}": ANOTHER})
    time.sleep(site.outage_seconds)
    return lambda: set_faults({})


def unavailable(site: scene.FaultySite, chance: random.Random) -> Callable[[], object]:
    """A container is removed while the API answers with errors."""
    set_faults(UNAVAILABLE)
    scene.containers_of(site, "time")[0].remove(force=True)
    time.sleep(site.outage_seconds)
    return lambda: set_faults({})


def partition(server: str) -> Callable[[Site, random.Random], Callable[[], object]]:
    """Returns the blow by which nothing that is sent to a server's ports on this host arrives."""

    def blow(site: Site, chance: random.Random) -> Callable[[], object]:
        bound = [each.attrs["HostConfig"]["PortBindings"] for each in scene.containers_of(site, server)]
        ports = [found["HostPort"] for bindings in bound for each in bindings.values() for found in each]
        for port in ports:
            _drop("-I", port)
        time.sleep(PARTITION_SECONDS)
        return lambda: [_drop("-D", port) for port in ports]

    return blow


def _drop(flag: str, port: str) -> None:
    # Ahead of the translation to the container's own port.
    rule = ["OUTPUT", "--protocol", "tcp", "--destination", "127.0.0.1", "--dport", port, "--jump", "DROP"]
    subprocess.run(["iptables", "--wait", "--table", "raw", flag, *rule], check=True)


def wrong_clock(hours: int) -> Callable[[Site, random.Random], Callable[[], object]]:
    """Returns the blow of a run whose clock is so many hours fast; that of the balancer is right."""

    def blow(site: Site, chance: random.Random) -> Callable[[], object]:
        run = site.reconcile(environment=Clock(site.root / "clock", hours).environment)
        assert "Traceback" not in run.output, run.output
        return lambda: None

    return blow
