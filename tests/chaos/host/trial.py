"""One fault of a host and what comes of it."""

from __future__ import annotations

import os
import subprocess
import time

from tests.chaos.host.asking import Asking
from tests.chaos.host.faults import HostFault
from tests.chaos.host.scene import PATIENCE_SECONDS, ChaosHost
from tests.chaos.scene import SERVERS
from tests.chaos.trial import Outcome
from tests.chaos.world import differences
from tests.e2e.support.waiting import until
from tests.hosts.host import HostError

QUIET_SECONDS = 3.0
LOOK_SECONDS = 0.2


class HostTrial:
    """Tries faults at one host under load."""

    def __init__(self, host: ChaosHost) -> None:
        self._host = host
        until(lambda: not host.wrong(), "all is well", PATIENCE_SECONDS)
        self._seen = host.seen()
        self._asking = Asking(host, list(SERVERS))

    def close(self) -> None:
        """Ends the clients."""
        self._asking.__exit__()

    def strike(self, fault: HostFault, outcome: Outcome) -> None:
        """Tries a fault once, takes down what comes of it, and holds that the world is as it was."""
        self._asking.take()
        outcome.loads.append(os.getloadavg()[0])
        try:
            begun = time.monotonic()
            end = fault.blow(self._host)
            if end:
                begun = time.monotonic()
                end()
            if fault.reboots:
                self._asking = Asking(self._host, list(SERVERS))
            whole, answered = self._healed(begun)
            outcome.seconds.append(whole)
            outcome.answers.append(answered)
        except (AssertionError, HostError, subprocess.SubprocessError) as error:
            outcome.broken.append(f"not healed: {error}")
        for server, tally in self._asking.take().items():
            if not fault.reboots:  # the clients end with the host
                (outcome.hit if server in fault.hits else outcome.others).append(tally)
            if server not in fault.hits and (tally.lost or tally.refused):
                outcome.broken.append(f"{server} was not hit: lost {tally.lost}, refused {tally.refused}: {tally.why}")
        if fault.reboots:
            self._host.make_chain()
        outcome.broken += differences(self._seen, self._host.seen())

    def _healed(self, begun: float) -> tuple[float, float]:
        """The seconds from a blow until all is well and stays so, and until everybody answers and stays so."""
        well_since: float | None = None
        what = ""
        while time.monotonic() - begun < PATIENCE_SECONDS:
            now = time.monotonic()
            silent, last_silent = self._asking.look()
            what = f"silent: {silent}" if silent else self._host.wrong()
            if what:
                well_since = None
            elif well_since is None:
                well_since = now
            if well_since is not None and now - max(well_since, last_silent) >= QUIET_SECONDS:
                return well_since - begun, max(0.0, last_silent - begun)
            time.sleep(LOOK_SECONDS)
        raise AssertionError(f"after {PATIENCE_SECONDS:.0f} s: {what}")
