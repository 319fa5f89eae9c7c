"""All files of a site."""

from __future__ import annotations

import time
from pathlib import Path

from tests.monitor_data.calls import write_calls
from tests.monitor_data.fleet import fleet_of
from tests.monitor_data.logs import write_logs
from tests.monitor_data.past import past_of
from tests.monitor_data.routes import write_routes
from tests.monitor_data.runs import write_runs
from tests.monitor_data.samples import write_samples
from tests.monitor_data.verifications import write_verifications


def make_site(
    directory: Path,
    *,
    servers: int = 100,
    days: int = 30,
    lines: int = 400,
    calls: int = 1500,
    seed: int = 7,
    now: int | None = None,
) -> Path:
    """Writes what runs and the watcher leave below ``directory``, and returns it: ``state.json``, ``routes.json``,
    ``history``, ``samples``, ``logs``, ``calls`` and ``verify.json``.

    ``now`` is in seconds since 1970, when the last run ended; about this moment where it is None. The same arguments
    give the same site.
    """
    now = int(time.time()) if now is None else now
    directory.mkdir(parents=True, exist_ok=True)
    fleet = fleet_of(directory, servers)
    past = past_of(fleet, now - days * 86400, now, seed)
    generations = write_runs(directory, fleet, past)
    write_routes(directory, fleet, past)
    write_samples(directory, fleet, past, generations, seed)
    write_logs(directory, fleet, past, lines, seed)
    write_calls(directory, fleet, past, calls, seed)
    write_verifications(directory, fleet, now)
    return directory
