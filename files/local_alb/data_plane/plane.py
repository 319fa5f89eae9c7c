"""Keeps HAProxy serving what the world says: renders, validates, writes, reloads, and reads health back."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from local_alb.haproxy.backends import ALL, DRAINING, backend_name, server_name
from local_alb.haproxy.rendering import Keyring, Rendering, Site, leaving_of, render, render_states, servers_of
from local_alb.model.store import Store
from local_alb.model.world import World
from local_alb.operations.targets import without_drained

from .health import HealthBook
from .master_socket import MasterSocket, MasterUnavailable

log = logging.getLogger("local_alb")

# Changes that arrive together are served together; seconds.
GATHER = 0.01
# After a reload HAProxy is left alone for as long as the reload took, within these bounds.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 0.25
LOOK_SOON, LOOK_LATER = 0.1, 1.0
RELOAD_TIMEOUT = 15.0
RETRY_FAILED = 10.0


class RenderRefused(Exception):
    """HAProxy would not run, or did not start, with a configuration."""


class DataPlane:
    """Runs in a thread of its own until ``stop`` is set."""

    def __init__(
        self,
        store: Store,
        health: HealthBook,
        master: MasterSocket,
        site: Site,
        config: Path,
        keyring_of: Callable[[World], Keyring] = lambda world: Keyring(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._health = health
        self._master = master
        self._site = site
        self._config = config
        self._keyring_of = keyring_of
        self._clock = clock
        self._stopped = False
        self._world: World | None = None
        self._served: World | None = None
        self._rendering: Rendering | None = None
        self._rendered_with: Keyring | None = None
        self._refused: tuple[str, str, float] | None = None
        self._may_reload = 0.0
        self._states = ""
        self._to_cut: list[tuple[str, str]] = []
        self._gone: frozenset[tuple[str, tuple[str, int]]] = frozenset()

    def run(self) -> None:
        """Brings HAProxy up to date whenever the world changes, until ``stop`` is called."""
        while not self._stopped:
            try:
                self.step()
            except MasterUnavailable as error:
                self._health.lost()
                self._report(str(error))
            except RenderRefused as error:
                self._report(str(error))
            except Exception:
                log.exception("the data plane could not be brought up to date; trying again")
                self._report("internal error in the control plane; see its log")
            pause = LOOK_SOON if self._health.problem is None and self._health.is_unsettled() else LOOK_LATER
            if self._store.changed.wait(pause):
                time.sleep(GATHER)

    def stop(self) -> None:
        """Makes ``run`` return after its current round."""
        self._stopped = True
        self._store.changed.set()

    @property
    def is_current(self) -> bool:
        """Whether HAProxy serves all that was asked for so far."""
        return self._served is self._store.world and self._health.problem is None

    def holds(self, port: int) -> bool:
        """Returns whether the port is bound by the HAProxy that is kept here."""
        return self._world is not None and any(item.port == port for item in self._world.listeners.values())

    def step(self) -> None:
        """Does one round: brings HAProxy up to date and reads the health of its servers."""
        self._store.changed.clear()
        now = self._clock()
        self._drop_drained(now)
        world = self._store.world
        keyring = self._keyring_of(world)
        if world is not self._world or keyring != self._rendered_with or self._rendering is None:
            self._rendering = render(world, self._site, keyring)
            self._world, self._rendered_with = world, keyring
        serving = None
        try:
            serving = self._master.serving()
            self._look(world, now)
        except MasterUnavailable:
            self._write(world, self._rendering)
            raise
        if serving != self._rendering.digest:
            self._switch(world, self._rendering)
            self._look(world, now)
        self._cut_streams()
        self._served = world
        self._report(None)

    def _report(self, problem: str | None) -> None:
        if problem != self._health.problem:
            if problem:
                log.error("%s", problem)
            else:
                log.info("HAProxy serves the current rules")
        self._health.report(problem)

    def _drop_drained(self, now: float) -> None:
        if self._gone or any(
            target.draining_until is not None and target.draining_until <= now
            for group in self._store.world.target_groups.values()
            for target in group.targets
        ):
            gone, self._gone = self._gone, frozenset()
            drained = self._store.change(lambda world: without_drained(world, now, gone))
            self._to_cut += [(backend_name(group), server_name(target)) for group, target in drained]

    def _look(self, world: World, now: float) -> None:
        servers = self._master.servers()
        leaving = leaving_of(world)
        # The port of a target that is gone may soon be another server's.
        self._gone = frozenset(
            (group.arn, target.key)
            for name, (group, target) in leaving.items()
            if name in servers and servers[name].is_gone
        )
        staying = {name: status for name, status in servers.items() if not name[1].endswith(DRAINING)}
        promoted = self._health.record(staying, servers_of(world), now)
        for backend, server in promoted:
            self._master.mark_up(backend, server)
        self._write_states(world)

    def _write_states(self, world: World) -> None:
        healthy, path = self._health.healthy, Path(self._site.state_file)
        if healthy is None and path.exists():
            return  # what was known when HAProxy last answered is better than nothing
        states = render_states(world, healthy or frozenset())
        if states != self._states:
            _replace(path, states)
            self._states = states

    def _switch(self, world: World, rendering: Rendering) -> None:
        time.sleep(max(0.0, self._may_reload - time.monotonic()))
        began = time.monotonic()
        previous = self._config.read_text() if self._config.exists() else None
        self._write(world, rendering)
        before = self._master.processes()
        self._master.reload()
        try:
            self._await_serving(rendering.digest, before.failed)
        except RenderRefused as error:
            if previous is not None:
                # A restart of HAProxy must find a configuration that works.
                _replace(self._config, previous)
            raise self._refuse(rendering, str(error)) from None
        now = time.monotonic()
        self._may_reload = now + min(max(SHORTEST_PAUSE, now - began), LONGEST_PAUSE)
        self._prune(rendering)

    def _await_serving(self, digest: str, failed_before: int) -> None:
        deadline = time.monotonic() + RELOAD_TIMEOUT
        while time.monotonic() < deadline:
            try:
                if self._master.serving() == digest:
                    return
                if self._master.processes().failed > failed_before:
                    raise RenderRefused(
                        "HAProxy did not start with the new rules and goes on with the old ones; its own log says why "
                        "(often a port that is in use)"
                    )
            except MasterUnavailable:
                # The master restarts itself during a reload.
                pass
            time.sleep(0.01)
        raise RenderRefused(f"HAProxy did not serve the new rules within {RELOAD_TIMEOUT:.0f} s")

    def _write(self, world: World, rendering: Rendering) -> None:
        """Puts the configuration in place after HAProxy has found no fault with it."""
        if self._refused and self._refused[0] == rendering.digest and self._clock() < self._refused[2]:
            raise RenderRefused(self._refused[1])
        if self._config.exists() and self._config.read_text() == rendering.config and Path(rendering.folder).is_dir():
            return
        folder = Path(rendering.folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in rendering.files.items():
            _replace(folder / name, content)
        self._write_states(world)
        temporary = self._config.with_name(f"{self._config.name}.new")
        temporary.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(rendering.config)
        check = subprocess.run(
            ["haproxy", "-c", "-f", str(temporary)], capture_output=True, text=True, timeout=30, check=False
        )
        if check.returncode != 0:
            complaint = next((line for line in check.stderr.splitlines() if "ALERT" in line), check.stderr.strip())
            raise self._refuse(
                rendering, f"HAProxy refuses the rendered rules and goes on with the old ones: {complaint}"
            )
        self._refused = None
        os.replace(temporary, self._config)

    def _refuse(self, rendering: Rendering, reason: str) -> RenderRefused:
        self._refused = (rendering.digest, reason, self._clock() + RETRY_FAILED)
        return RenderRefused(reason)

    def _prune(self, rendering: Rendering) -> None:
        for folder in Path(self._site.folder).iterdir():
            if folder.is_dir() and folder != Path(rendering.folder):
                shutil.rmtree(folder, ignore_errors=True)

    def _cut_streams(self) -> None:
        """Ends what older workers still hold to targets whose deregistration delay has passed."""
        if self._to_cut:
            for worker in self._master.processes().old_workers:
                for stream, backend, server in self._master.streams(worker):
                    if (backend.removesuffix(ALL), server.partition(".")[0]) in self._to_cut:
                        self._master.cut(worker, stream)
            self._to_cut = []


def _replace(path: Path, content: str) -> None:
    temporary = path.with_name(f"{path.name}.new")
    temporary.parent.mkdir(parents=True, exist_ok=True)
    with open(temporary, "w", encoding="utf-8", newline="") as file:
        file.write(content)
    os.replace(temporary, path)
