"""What a container of a test host may or may not reach, as one program for the host and for the container.

boot_world.py serve            makes a network beyond the host, and listens there and on the host; then forks
boot_world.py record FILE      writes the name of each thing reached, with the time, as long as it lives
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time

# The instance metadata's address lies beyond the host, as on EC2: packets to it are forwarded.
TARGETS = {
    "host port": ("tcp", "198.51.100.1", 8482),
    "metadata": ("tcp", "169.254.169.254", 80),
    "world, tcp": ("tcp", "198.51.100.2", 443),
    "world, udp": ("udp", "198.51.100.2", 53),
}
ANSWER_SECONDS = 0.5


def main(arguments: list[str]) -> None:
    if arguments[0] == "serve":
        serve()
    else:
        record(arguments[1])


def serve() -> None:
    """Return to systemd only when everything listens."""
    for line in (
        "netns add world",
        "link add host0 type veth peer name world0 netns world",
        "addr add 198.51.100.1/24 dev host0",
        "link set host0 up",
        "-n world addr add 198.51.100.2/24 dev world0",
        "-n world addr add 169.254.169.254/32 dev world0",
        "-n world link set world0 up",
        "-n world route add default via 198.51.100.1",
        "route add 169.254.169.254/32 via 198.51.100.2",
    ):
        subprocess.run(["ip", *line.split()], check=True)
    sockets = [listener(*TARGETS["host port"])]
    with open("/run/netns/world") as world:
        if ctypes.CDLL(None).setns(world.fileno(), 0):  # os.setns comes with Python 3.12
            raise OSError("setns failed")
    sockets += [listener(*target) for name, target in TARGETS.items() if name != "host port"]
    if os.fork():
        os._exit(0)
    for each in sockets[1:]:
        threading.Thread(target=answer, args=(each,), daemon=True).start()
    answer(sockets[0])


def listener(kind: str, address: str, port: int) -> socket.socket:
    found = socket.socket(type=socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    found.bind((address, port))
    if kind == "tcp":
        found.listen(64)
    return found


def answer(listening: socket.socket) -> None:
    while True:
        if listening.type == socket.SOCK_STREAM:
            listening.accept()[0].close()
        else:
            listening.sendto(*listening.recvfrom(64))


def record(path: str) -> None:
    # By this line a test knows that the recorder has begun.
    with open(path, "w") as file:
        file.write("begun\n")
    for name in TARGETS:
        threading.Thread(target=keep_trying, args=(path, name), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # the first process of a container dies of no signal itself
    threading.Event().wait()


def keep_trying(path: str, name: str) -> None:
    while True:
        if reaches(*TARGETS[name]):
            write(path, name)
        time.sleep(0.01)


def reaches(kind: str, address: str, port: int) -> bool:
    with socket.socket(type=socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as client:
        client.settimeout(ANSWER_SECONDS)
        try:
            client.connect((address, port))
            if kind == "udp":
                client.send(b"x")
                client.recv(64)
        except OSError:
            return False
    return True


def write(path: str, what: str) -> None:
    with open(path, "a") as file:
        file.write(f"{what}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
