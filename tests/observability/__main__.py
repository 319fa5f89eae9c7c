"""Which alerts go off and end, and whether each panel of the dashboards shows something: make observe-test.

On a real Prometheus and Alertmanager, which scrape real bridges and a real load balancer under load. The rules are as
they are shipped, with shorter times.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2] / part) for part in ("", "files", "collections")]

import yaml  # noqa: E402

from tests.e2e.support.waiting import until  # noqa: E402
from tests.observability.files import Faults  # noqa: E402
from tests.observability.prometheus import firing, get, hurried, results  # noqa: E402
from tests.observability.queries import queries  # noqa: E402
from tests.observability.scene import PROJECT, Scene, scene  # noqa: E402
from tests.unit.bridge.client import Client  # noqa: E402

PATIENCE = 240.0
RULES = PROJECT / "files/observability/mcp.rules.yml"
_BY_ITSELF = "McpNotScraped"


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
        """Waits until all of them have gone off, or have ended."""

        def missing() -> set[str]:
            found = self.look()
            return names - self.on.keys() if on else names & found

        try:
            until(lambda: not missing(), f"all alerts {'go off' if on else 'end'}", PATIENCE)
        finally:
            print(f"{'on' if on else 'off'}: all of {len(names)} but {sorted(missing())}", flush=True)

    def show(self) -> None:
        """Prints it."""
        print(f"{'alert':<28} {'on after':>9} {'off after':>10}")
        for name, seconds in sorted(self.on.items(), key=lambda each: each[1]):
            print(f"{name:<28} {seconds:>7.0f} s {self.off[name]:>8.0f} s", flush=True)


@contextmanager
def load(made: Scene, errors: threading.Event) -> Iterator[None]:
    """Clients that call tools through the load balancer until the block ends; many calls fail, or are slow, while
    ``errors`` is set."""
    stop = threading.Event()

    def run(server: str, tool: Callable[[], tuple[str, dict[str, object]]]) -> None:
        through = copy(made.bridges[server])
        through.port = made.alb.port
        client = Client(through)
        client.open()
        while not stop.wait(0.1):
            name, arguments = tool()
            with suppress(Exception):
                client.call_raw(name, **arguments)

    def failing() -> tuple[str, dict[str, object]]:
        return ("no such tool", {}) if errors.is_set() else ("echo", {"text": "x"})

    def slow() -> tuple[str, dict[str, object]]:
        return "sleep", {"seconds": 12 if errors.is_set() else 0.02}

    kinds = [("time", failing), ("time", lambda: ("echo", {"text": "y"})), *[("slow", slow)] * 6]
    threads = [threading.Thread(target=run, args=each, daemon=True) for each in kinds]
    threads.append(
        threading.Thread(target=lambda: [made.alb.get("/mcp/orders/x") for _ in iter(lambda: stop.wait(0.2), True)])
    )
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()


def hurry(made: Scene) -> None:
    """Has Prometheus take the rules with shorter times."""
    file = made.root / "var/observability/mcp.rules.yml"
    file.write_text(hurried(RULES.read_text(encoding="utf-8")))
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = command.read_bytes().decode(errors="replace").split("\0")
            if words[0].endswith("/prometheus") and f"--web.listen-address={made.prometheus}" in words:
                os.kill(int(command.parent.name), signal.SIGHUP)

    def taken() -> bool:
        groups = get(made.prometheus, "/api/v1/rules?type=alert")["data"]["groups"]
        return all(rule["duration"] <= 30 for group in groups for rule in group["rules"])

    until(taken, "Prometheus has the hurried rules")


def silent(made: Scene) -> list[str]:
    """The panels of the dashboards whose queries have no result now."""
    asked = queries(server="time", interval="20s")
    return [panel for panel, query in asked if not results(made.prometheus, query)]


def tell(made: Scene) -> Story:
    """Lets everything go wrong, and then right again."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule} - {_BY_ITSELF}
    errors = threading.Event()
    with load(made, errors):
        until(
            lambda: all(each["health"] == "up" for each in targets(made)) and len(targets(made)) == 4, "all is scraped"
        )
        story = Story(made.alertmanager)
        errors.set()
        made.files.faults = Faults(**dict.fromkeys(Faults.__annotations__, True))
        story.wait(alerts, on=True)
        until(lambda: not silent(made), "every panel shows something", 60)
        errors.clear()
        made.files.faults = Faults()
        story.wait(alerts, on=False)
        made.monitor.send_signal(signal.SIGSTOP)
        story.wait({_BY_ITSELF}, on=True)
        made.monitor.send_signal(signal.SIGCONT)
        story.wait({_BY_ITSELF}, on=False)
    return story


def targets(made: Scene) -> list[dict[str, object]]:
    """What Prometheus scrapes."""
    found: list[dict[str, object]] = get(made.prometheus, "/api/v1/targets")["data"]["activeTargets"]
    return found


def main() -> int:
    """Prints when each alert went off and ended; returns 0, or raises AssertionError."""
    with tempfile.TemporaryDirectory(prefix="mcp-observe-", dir="/var/tmp") as folder, scene(Path(folder)) as made:
        try:
            made.play("playbooks/observe.yml")
            hurry(made)
            tell(made).show()
        finally:
            made.end()
        assert not (made.root / "var/observability").exists()
    return 0


if __name__ == "__main__":
    sys.exit(main())
