#!/usr/bin/env python3
"""Runs on the host, beside load.py: calls every server all the time, and says when one was silent last.

asker.py ADDRESS:PORT calls|health NAME...: for each line on stdin it prints one of JSON. ``look`` gives
``{"silent": [name], "last_silent": seconds}``, on the clock that all of a machine's containers share (CLOCK_MONOTONIC);
``take`` gives what became of the calls since the last time, by server. It ends with its stdin.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from load import Load

ASKED_AT_ONCE = 16
PAUSE_SECONDS = 0.2
PATIENCE_SECONDS = 5.0


class Watch:
    """Asks all servers for their health, again and again."""

    def __init__(self, listener: str, names: list[str]) -> None:
        self._listener, self._names = listener, names
        self.silent = list(names)
        self.last_silent = time.monotonic()

    def run(self) -> None:
        """Asks for ever."""
        with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
            while True:
                begun = time.monotonic()
                well = list(pool.map(self._answers, self._names))
                self.silent = [name for name, is_well in zip(self._names, well, strict=True) if not is_well]
                if self.silent:
                    self.last_silent = begun
                time.sleep(PAUSE_SECONDS)

    def _answers(self, name: str) -> bool:
        connection = http.client.HTTPConnection(self._listener, timeout=PATIENCE_SECONDS)
        try:
            connection.request("GET", f"/mcp/{name}/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def main(listener: str, kind: str, names: list[str]) -> None:
    """Answers the lines of stdin."""
    watch = Watch(listener, names)
    threading.Thread(target=watch.run, daemon=True).start()
    with Load(listener, names if kind == "calls" else []) as load:
        for line in sys.stdin:
            if line.strip() == "take":
                answer = {name: asdict(tally) for name, tally in load.take().items()}
            else:
                answer = {"silent": watch.silent, "last_silent": watch.last_silent}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
