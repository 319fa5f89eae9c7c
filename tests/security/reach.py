"""What this process reaches, found out by trying: a program of the tests' own, harmless, run where an actor stands.

Reads {name: target} as JSON on standard input and prints {name: answer}. A target is one of
  {"tcp": [address, port]}, {"udp": [address, port]}, {"unix": path}, {"file": path},
  {"http": url, "headers": {…}}.
An answer is "reached", "refused" (it answers, and says 401, 403 or 404) or "blocked".
"""

import http.client
import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

SECONDS = 3.0
REFUSALS = (401, 403, 404)


def tcp(address, port):
    with socket.create_connection((address, port), SECONDS):
        return "reached"


def udp(address, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(SECONDS)
        asking.connect((address, port))
        asking.send(b"?")
        asking.recv(64)
        return "reached"


def unix(path):
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(path)
        return "reached"


def file(path):
    with open(path, "rb") as opened:
        opened.read(1)
        return "reached"


def http_get(url, headers):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=SECONDS)
    try:
        connection.request("GET", parts.path or "/", headers=headers)
        return "refused" if connection.getresponse().status in REFUSALS else "reached"
    finally:
        connection.close()


def tried(target):
    kinds = {"tcp": lambda it: tcp(*it), "udp": lambda it: udp(*it), "unix": unix, "file": file}
    try:
        if "http" in target:
            return http_get(target["http"], target.get("headers", {}))
        (kind,) = target
        return kinds[kind](target[kind])
    except OSError:
        return "blocked"


def main():
    targets = json.load(sys.stdin)
    with ThreadPoolExecutor(len(targets)) as pool:
        answers = dict(zip(targets, pool.map(tried, targets.values()), strict=True))
    print(json.dumps(answers))


main()
