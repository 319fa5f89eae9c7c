"""Renderings that HAProxy does not take: the old rules go on serving, it is told, and a restart finds a good file."""

from __future__ import annotations

import http.client
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from local_alb.data_plane.health import HealthBook
from local_alb.data_plane.master_socket import MasterSocket, MasterUnavailable
from local_alb.data_plane.plane import DataPlane, RenderRefused
from local_alb.haproxy.exporter import counted, has_exporter
from local_alb.haproxy.rendering import Keyring, Site
from local_alb.model.first_start import first_world
from local_alb.model.state_file import StateFile
from local_alb.model.store import Store
from local_alb.model.world import LOCAL_LISTENER_ARN, Listener, World
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.support.ports import free_port
from tests.e2e.support.waiting import until


class Plane:
    """A data plane in this process, with a HAProxy of its own; ``keyring`` and ``now`` are what it sees of the rest."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port = free_port()
        self.keyring = Keyring()
        self.now = 1000.0
        self.config = root / "haproxy.cfg"
        file = StateFile(root / "state")
        self.store = Store(first_world(None, self.port, self.now), file)
        self.health = HealthBook()
        self.master = MasterSocket(root / "master.sock")
        assert has_exporter()
        site = Site("127.0.0.1", str(root / "haproxy"), str(root / "haproxy" / "states"), has_exporter=True)
        self.plane = DataPlane(
            self.store, self.health, self.master, site, self.config, lambda _: self.keyring, lambda: self.now
        )
        with pytest.raises(MasterUnavailable):
            self.plane.step()
        self.process = subprocess.Popen(
            ["haproxy", "-W", "-S", str(root / "master.sock"), "-f", str(self.config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self.answers, "HAProxy is up")
        self.plane.step()

    def answers(self) -> bool:
        try:
            return bool(self.master.serving())
        except MasterUnavailable:
            return False

    def change(self, **settings: object) -> None:
        """Changes the first listener without asking whether that makes sense."""

        def step(world: World) -> tuple[World, None]:
            return world.with_listener(replace(world.listeners[LOCAL_LISTENER_ARN], **settings)), None  # type: ignore[arg-type]

        self.store.change(step)

    def add_listener(self, port: int) -> None:
        first = self.store.world.listeners[LOCAL_LISTENER_ARN]
        more = Listener(f"{first.arn[:-1]}2", first.load_balancer_arn, port, "HTTP", first.default_actions)
        self.store.change(lambda world: (world.with_listener(more), None))

    def status(self) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/x")
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    plane = Plane(tmp_path)
    try:
        yield plane
    finally:
        plane.process.terminate()
        plane.process.wait(60)


def answer(status: str) -> tuple[dict[str, object], ...]:
    return ({"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": status}},)


def test_a_rendering_that_haproxy_finds_fault_with_is_never_put_in_place(plane: Plane) -> None:
    before = plane.config.read_text()
    plane.keyring = Keyring(tls={LOCAL_LISTENER_ARN: " no-such-word"})
    with pytest.raises(RenderRefused, match="no-such-word"):
        plane.plane.step()
    assert plane.config.read_text() == before
    assert plane.status() == 404
    # It is not tried again and again, and yet a good rendering goes through at once.
    with pytest.raises(RenderRefused):
        plane.plane.step()
    plane.keyring = Keyring()
    plane.change(default_actions=answer("410"))
    plane.plane.step()
    assert plane.status() == 410


def test_a_rendering_that_haproxy_cannot_start_with_leaves_the_old_rules_and_a_good_file(plane: Plane) -> None:
    before = plane.config.read_text()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        plane.add_listener(taken.getsockname()[1])
        with pytest.raises(RenderRefused, match="goes on with the old ones"):
            plane.plane.step()
        assert plane.config.read_text() == before
        assert plane.status() == 404
    plane.now += 60
    plane.plane.step()
    assert plane.config.read_text() != before
    assert plane.status() == 404


def test_a_problem_is_told_and_taken_back(plane: Plane) -> None:
    worker = threading.Thread(target=plane.plane.run)
    worker.start()
    try:
        plane.keyring = Keyring(tls={LOCAL_LISTENER_ARN: " no-such-word"})
        until(lambda: plane.health.load_balancer_state()["Code"] == "active_impaired", "the problem is told")
        assert "no-such-word" in plane.health.load_balancer_state()["Reason"]
        plane.keyring = Keyring()
        until(lambda: plane.health.load_balancer_state() == {"Code": "active"}, "the problem is over")
    finally:
        plane.plane.stop()
        worker.join(60)


def test_nothing_is_reloaded_where_nothing_changed(plane: Plane) -> None:
    before = plane.master.processes().reloads
    for _ in range(5):
        plane.plane.step()
    plane.store.change(lambda world: (replace(world), None))
    plane.plane.step()
    assert plane.master.processes().reloads == before


def test_what_haproxy_counts_is_told_across_changes_of_the_rules(plane: Plane) -> None:
    def requests() -> float:
        page = counted(str(plane.root / "haproxy"), "scope=frontend")
        assert page is not None
        found = [each for family in text_string_to_metric_families(page.decode()) for each in family.samples]
        return sum(each.value for each in found if each.name == "haproxy_frontend_http_requests_total")

    before = requests()
    assert plane.status() == 404
    assert requests() >= before + 1
    for status in ("410", "418", "410"):
        plane.change(default_actions=answer(status))
        plane.plane.step()
        assert plane.status() == int(status)
        assert requests() >= 1
    plane.process.terminate()
    plane.process.wait(60)
    assert counted(str(plane.root / "haproxy"), "") is None
