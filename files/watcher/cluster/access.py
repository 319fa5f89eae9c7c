"""How the API server is reached: the kubeconfig that ``make bootstrap-kubernetes`` has written for the watcher."""

from __future__ import annotations

import base64
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from watcher.errors import Unreachable

_LARGEST = 1024 * 1024
_EXTENSION = "mcp-orchestrator"


@dataclass(frozen=True)
class Access:
    """``watched`` are the paths of the collections whose objects are kept an eye on, as its Role allows them."""

    host: str
    port: int
    path: str
    token: str
    namespace: str
    watched: tuple[str, ...]
    tls: ssl.SSLContext | None


class AccessFile:
    """The file, which is read again when it is another one: a bootstrap may renew it at any time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._version: tuple[int, int] | None = None
        self._access: Access | None = None

    def read(self) -> Access:
        """Returns what it says. Raises Unreachable where it is missing, or is none of the bootstrap's."""
        try:
            found = self._path.stat()
            version = found.st_ino, found.st_mtime_ns
            if self._access is None or version != self._version:
                self._access = _access(json.loads(self._path.read_bytes()[:_LARGEST]))
                self._version = version
        except FileNotFoundError:
            raise Unreachable(f"{self._path} is missing; make bootstrap-kubernetes writes it") from None
        except OSError as error:
            raise Unreachable(f"{self._path}: {error.strerror or error}") from error
        except (ValueError, KeyError, TypeError, IndexError, StopIteration) as error:
            raise Unreachable(f"{self._path} is no kubeconfig that make bootstrap-kubernetes has written") from error
        return self._access


def _access(found: Any) -> Access:
    context, cluster, user = found["contexts"][0]["context"], found["clusters"][0]["cluster"], found["users"][0]["user"]
    url = urlsplit(cluster["server"])
    watched = next(each["extension"]["watched"] for each in context["extensions"] if each["name"] == _EXTENSION)
    return Access(
        host=str(url.hostname),
        port=url.port or (80 if url.scheme == "http" else 443),
        path=url.path.rstrip("/"),
        token=str(user["token"]),
        namespace=str(context["namespace"]),
        watched=tuple(str(each) for each in watched),
        tls=None if url.scheme == "http" else _tls(cluster),
    )


def _tls(cluster: dict[str, Any]) -> ssl.SSLContext:
    """Verifies by the cluster's own authority; loading the host's costs 10 MB where they are not needed."""
    authority = cluster.get("certificate-authority-data")
    if authority:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=base64.b64decode(authority).decode("ascii"))
    else:
        context = ssl.create_default_context()
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
