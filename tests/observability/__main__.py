"""Which alerts go off and end, and whether each panel of the dashboards shows something: make observe-test.

On a whole site, whose faults are real (tests/observability/faults.py), and on a real Prometheus and Alertmanager. The
rules are as they are shipped, with shorter times.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2] / part) for part in ("", "files", "collections")]

import yaml  # noqa: E402

from tests.chaos.scene import FaultySite  # noqa: E402
from tests.e2e.support.site import ALERTMANAGER, FLEET, LISTENER, PROMETHEUS  # noqa: E402
from tests.e2e.support.waiting import until  # noqa: E402
from tests.observability import faults  # noqa: E402
from tests.observability.prometheus import firing, get, results  # noqa: E402
from tests.observability.queries import queries  # noqa: E402
from tests.observability.remote import remote  # noqa: E402
from tests.observability.scene import RULES, SERVERS, Clients, observed_site  # noqa: E402

# A watcher is silent for three minutes before it is gone, and five runs fail before a quarantine; a busy machine takes
# its time beside that.
PATIENCE = 600.0
SOON_ENDING, LONG_ENDING = 5, 90


class Story:
    """When each alert went off and ended, in seconds since the beginning."""

    def __init__(self, alertmanager: str) -> None:
        self._alertmanager = alertmanager
        self._begun = time.monotonic()
        self.on: dict[str, float] = {}
        self.off: dict[str, float] = {}

    def look(self) -> set[str]:
        """Notes what is on now, and returns it."""
        now, found = time.monotonic() - self._begun, firing(self._alertmanager)
        for name in found:
            self.on.setdefault(name, now)
            self.off.pop(name, None)
        for name in self.on.keys() - found:
            self.off.setdefault(name, now)
        return found

    def wait(self, names: set[str], *, on: bool) -> None:
        """Waits until each of them has been on since now, or none is."""
        seen: set[str] = set()

        def missing() -> set[str]:
            found = self.look()
            seen.update(found)
            return names - seen if on else names & found

        try:
            until(lambda: not missing(), f"all alerts {'go off' if on else 'end'}", PATIENCE)
        finally:
            print(f"{'on' if on else 'off'}: all of {len(names)} but {sorted(missing())}", flush=True)

    def show(self) -> None:
        """Prints it."""
        print(f"{'alert':<28} {'on after':>9} {'off after':>10}")
        for name, seconds in sorted(self.on.items(), key=lambda each: each[1]):
            off = f"{self.off[name]:>8.0f} s" if name in self.off else f"{'not':>10}"
            print(f"{name:<28} {seconds:>7.0f} s {off}", flush=True)


@contextmanager
def act(story: Story, names: set[str], stack: ExitStack) -> Iterator[None]:
    """What the stack holds is wrong until these alerts have gone off; the block then runs, and they end after it."""
    with stack:
        story.wait(names, on=True)
        yield
    story.wait(names, on=False)


def silent() -> list[str]:
    """The panels of the dashboards whose queries have no result now."""
    asked = queries(server="time", fleet=FLEET, interval="20s")
    return [panel for panel, query in asked if not results(PROMETHEUS, query)]


def servers_fail(site: FaultySite, story: Story, clients: Clients) -> None:
    """What is wrong with servers, all at once, and what each panel shows of it."""
    with ExitStack() as stack:
        stack.enter_context(faults.bad_calls(clients))
        stack.enter_context(faults.dying(site, "orders"))
        stack.enter_context(faults.one_replica_cut_off(site, "pair"))
        stack.enter_context(faults.without_memory(site, "hoard"))
        stack.enter_context(faults.drifting(site, "drifting"))
        stack.enter_context(faults.broken(site))
        names = {
            "McpServerErrors", "McpServerSlow", "McpServerFlapping", "McpServerReplicasMissing", "McpServerDown",
            "McpServerTargetsUnhealthy", "McpServerNearMemoryLimit", "McpServerOutOfMemory", "McpServerQuarantined",
            "McpDriftAgainAndAgain", "McpRunFailing",
        }  # fmt: skip
        with act(story, names, stack.pop_all()):
            until(lambda: not silent(), "every panel shows something", 60)


def balancer_fails(site: FaultySite, story: Story) -> None:
    """Its API refuses, after somebody else has used up nearly all that it may have."""
    with ExitStack() as stack:
        stack.enter_context(faults.many_rules(site))
        story.wait({"McpQuotaNear"}, on=True)
        stack.enter_context(faults.refused())
        with act(story, {"McpQuotaNear", "McpListenerUnknown"}, stack.pop_all()):
            pass


def nothing_runs(site: FaultySite, story: Story) -> None:
    """No run ends; then the watcher has stopped, while a certificate far away is about to end; then the monitor."""
    with ExitStack() as stack:
        stack.enter_context(faults.no_runs(site))
        with act(story, {"McpStateStale", "McpRequestsWaiting"}, stack.pop_all()):
            pass
    with ExitStack() as stack:
        elsewhere = stack.enter_context(remote(site.root, LISTENER, SOON_ENDING))
        stack.enter_context(faults.stopped(site, "watcher"))
        site.write_config(
            {**SERVERS, "docs": {"type": "http", "url": f"https://localhost:{elsewhere.port}/mcp/time/mcp"}}
        )
        trusting = {"SSL_CERT_FILE": str(elsewhere.authority)}
        site.reconcile(environment=trusting)
        with act(story, {"McpCertificateEnds", "McpWatcherGone"}, stack.pop_all()):
            elsewhere.renew(LONG_ENDING)
            site.reconcile(environment=trusting)
            story.wait({"McpCertificateEnds"}, on=False)
            site.write_config(SERVERS)
    with ExitStack() as stack:
        stack.enter_context(faults.frozen(site, "monitor"))
        with act(story, {"McpNotScraped"}, stack.pop_all()):
            pass


def targets() -> list[dict[str, object]]:
    """What Prometheus scrapes."""
    found: list[dict[str, object]] = get(PROMETHEUS, "/api/v1/targets")["data"]["activeTargets"]
    return found


def main() -> int:
    """Prints when each alert went off and ended; returns 0, or raises AssertionError."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    with observed_site() as site, Clients() as clients:
        until(lambda: targets() and all(each["health"] == "up" for each in targets()), "all is scraped", 120)
        story = Story(ALERTMANAGER)
        try:
            balancer_fails(site, story)
            nothing_runs(site, story)
            servers_fail(site, story, clients)
        finally:
            story.show()
    assert story.on.keys() >= alerts, alerts - story.on.keys()
    return 0


if __name__ == "__main__":
    sys.exit(main())
