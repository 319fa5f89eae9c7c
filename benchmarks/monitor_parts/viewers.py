"""Those who keep the page open, in a process of their own: python -m benchmarks.monitor_parts.viewers PORT

Prints the seconds that each load took, as a JSON list.
"""

from __future__ import annotations

import gzip
import http.client
import json
import sys
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[2] / "files")]

from benchmarks.monitor_parts.serving import HEADERS  # noqa: E402

VIEWERS = 20
SECONDS = 20.0
PACE_SECONDS = 1.0
"""So often each loads the page; the page itself does every minute."""
# Most look at the whole list; some have narrowed it, or put it into another order.
PATHS = ("/", "/", "/", "/?sort=cpu", "/?condition=attention", "/?by=group")


def fetched(port: int, path: str) -> tuple[str, int]:
    """Returns a page, and how many bytes came over the wire for it. Raises RuntimeError where it is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", f"/monitor{path}", headers={**HEADERS, "Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{path} is answered with {answer.status}")
        size = len(body) + sum(len(name) + len(value) + 4 for name, value in answer.getheaders())
        return (gzip.decompress(body) if answer.getheader("Content-Encoding") == "gzip" else body).decode(), size
    finally:
        connection.close()


def main() -> None:
    """Looks for some seconds, and prints."""
    port, took = int(sys.argv[1]), list[float]()

    def look(number: int) -> None:
        due = time.monotonic() + number * PACE_SECONDS / VIEWERS
        until = due + SECONDS
        while due < until:
            time.sleep(max(due - time.monotonic(), 0))
            began = time.perf_counter()
            fetched(port, PATHS[number % len(PATHS)])
            took.append(time.perf_counter() - began)
            due += PACE_SECONDS

    viewers = [threading.Thread(target=look, args=(number,)) for number in range(VIEWERS)]
    for each in viewers:
        each.start()
    for each in viewers:
        each.join()
    print(json.dumps(took))


if __name__ == "__main__":
    main()
