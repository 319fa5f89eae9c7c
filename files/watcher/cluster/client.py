"""What the watcher asks an API server for: lists, watches and logs, over one connection each.

https://kubernetes.io/docs/reference/using-api/api-concepts/. The official client takes 50 MB and threads; three
requests of HTTP do not need it.
"""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from watcher.errors import Refused, Unreachable
from watcher.exchange import ANSWER_SECONDS, exchange, lines

from .access import Access, AccessFile

Object = dict[str, Any]

# asyncio fills a buffer of this size for each connection, of which there is one a pod. A record of TLS has 16 KiB.
asyncio.sslproto.SSLProtocol.max_size = 16 * 1024

GONE = 410
_PAGE = 50  # objects of a list at once: what is parsed together is what takes memory
_WATCH_SECONDS = 300
_LARGEST_OBJECT = 4 * 1024 * 1024
_METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"


class Cluster:
    """The API server of a kubeconfig. Errors are those of ``watcher.errors``."""

    def __init__(self, kubeconfig: Path) -> None:
        self._file = AccessFile(kubeconfig)

    @property
    def access(self) -> Access:
        """Returns what the kubeconfig says now. Raises Unreachable."""
        return self._file.read()

    async def pages(
        self, path: str, query: dict[str, str], *, metadata: bool
    ) -> AsyncIterator[tuple[list[Object], str]]:
        """Yields all objects of a collection, some at a time, each time with the version of the whole list."""
        onward = ""
        while True:
            asked = {**query, "limit": str(_PAGE), **({"continue": onward} if onward else {})}
            found = await self.json(path, asked, _METADATA.format("List") if metadata else "")
            about = found.get("metadata") or {}
            yield found.get("items") or [], str(about.get("resourceVersion", ""))
            onward = str(about.get("continue") or "")
            if not onward:
                return

    @asynccontextmanager
    async def watch(
        self, path: str, query: dict[str, str], version: str, *, metadata: bool
    ) -> AsyncIterator[AsyncIterator[tuple[str, Object]]]:
        """Yields what becomes of a collection after ``version``: ADDED, MODIFIED, DELETED or BOOKMARK, and the object.

        It ends by itself after some minutes. Raises Refused with status GONE where that version is too old.
        """
        asked = {
            **query,
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(_WATCH_SECONDS),
        }
        async with self._exchange(path, asked, _METADATA.format("") if metadata else "") as body:
            yield _changes(body)

    @asynccontextmanager
    async def log(
        self, pod: str, container: str, since: str, *, follow: bool, previous: bool = False
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Yields what a container has written, piece by piece: lines, each with its time before it.

        ``since`` is RFC 3339, of which the kubelet takes whole seconds, empty for all. ``previous``: of the container
        that ran before. Who follows a silent one waits for the answer to begin.
        """
        asked = {"container": container, "timestamps": "true"}
        asked |= {"sinceTime": since} if since else {}
        asked |= {"follow": "true"} if follow else {}
        asked |= {"previous": "true"} if previous else {}
        path = f"/api/v1/namespaces/{self.access.namespace}/pods/{quote(pod, safe='')}/log"
        async with self._exchange(path, asked, patience=None if follow else ANSWER_SECONDS) as body:
            yield body

    async def json(self, path: str, query: dict[str, str], accept: str = "") -> Object:
        """Returns what a path is answered with."""
        async with self._exchange(path, query, accept) as body:
            content = b"".join([piece async for piece in body])
        try:
            found: Object = json.loads(content)
        except ValueError as error:
            raise Unreachable(f"the API server's answer to {path} is not JSON") from error
        return found

    @asynccontextmanager
    async def _exchange(
        self, path: str, query: dict[str, str], accept: str = "", patience: float | None = ANSWER_SECONDS
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        access = self.access
        headers = (
            ("Host", f"{access.host}:{access.port}"),
            ("Authorization", f"Bearer {access.token}"),
            ("Accept", accept or "application/json"),
            ("User-Agent", "mcp-orchestrator-watcher"),
        )
        place = f"https://{access.host}:{access.port}"
        async with exchange(
            lambda: _connected(access),
            f"{access.path}{path}?{urlencode(query)}",
            headers,
            name="the API server",
            place=place,
            patience=patience,
        ) as body:
            yield body


async def _connected(access: Access) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that notices when its other end has gone without a word, as after a node's loss."""
    name = access.host if access.tls is not None else None
    reader, writer = await asyncio.open_connection(access.host, access.port, ssl=access.tls, server_hostname=name)
    own: socket.socket = writer.get_extra_info("socket")
    own.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, seconds in ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3)):
        own.setsockopt(socket.IPPROTO_TCP, option, seconds)
    return reader, writer


async def _changes(body: AsyncIterator[bytes]) -> AsyncIterator[tuple[str, Object]]:
    async for line in lines(body, _LARGEST_OBJECT):
        try:
            change = json.loads(line)
            kind, each = str(change["type"]), dict(change["object"])
        except (ValueError, KeyError, TypeError) as error:
            raise Unreachable("the API server's watch is not JSON, or was cut off") from error
        if kind == "ERROR":
            raise Refused(int(each.get("code") or 500), str(each.get("message") or "the watch failed"))
        yield kind, each
