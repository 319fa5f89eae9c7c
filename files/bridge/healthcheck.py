"""`python -m bridge.healthcheck`: the container's own HEALTHCHECK, which needs neither shell nor curl in the image."""

from __future__ import annotations

import socket
import sys

from .printable import printable


def main() -> int:
    """0 where the bridge says that the server answers, 1 otherwise; the reason goes to stdout."""
    port, path = 8000, ""
    arguments = iter(sys.argv[1:])
    for argument in arguments:
        if argument == "--port":
            port = int(next(arguments, "8000"))
        elif argument == "--path":
            path = next(arguments, "").rstrip("/")
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(f"GET {path}/health HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
    except OSError as error:
        print(f"the bridge does not answer: {error}")
        return 1
    head, _, body = answer.partition(b"\r\n\r\n")
    print(printable(body))
    return 0 if head.split(b" ")[1:2] == [b"200"] else 1


if __name__ == "__main__":
    sys.exit(main())
