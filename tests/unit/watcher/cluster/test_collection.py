"""Following a collection of an API server that ends, forgets and throttles its watches."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from watcher.cluster import collection
from watcher.cluster.client import Cluster
from watcher.cluster.collection import Collection

from tests.unit.watcher.fake_engine import CHUNKED, answer_of, chunk

Answer = Callable[[dict[str, str]], Awaitable[bytes]]
PATH = "/api/v1/namespaces/mcp/pods"


class Seen:
    """What a follower has told."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self._coming: set[str] | None = None
        self.lists = 0

    def begin(self) -> None:
        self._coming = set()

    def take(self, each: dict[str, Any]) -> None:
        (self.names if self._coming is None else self._coming).add(each["metadata"]["name"])

    def drop(self, each: dict[str, Any]) -> None:
        self.names.discard(each["metadata"]["name"])

    def complete(self) -> None:
        self.names, self._coming = self._coming or set(), None
        self.lists += 1


def kubeconfig(folder: Path, port: int) -> Path:
    """A file as the bootstrap writes it, but without TLS."""
    context = {"namespace": "mcp", "extensions": [{"name": "mcp-orchestrator", "extension": {"watched": [PATH]}}]}
    path = folder / "kubeconfig"
    found = {
        "contexts": [{"context": context}],
        "clusters": [{"cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"user": {"token": "swordfish"}}],
    }
    path.write_text(json.dumps(found))
    return path


def pods(*names: str, version: str = "5", onward: str = "") -> bytes:
    """An answer with a list."""
    about = {"resourceVersion": version, **({"continue": onward} if onward else {})}
    items = [{"metadata": {"name": each, "resourceVersion": "1"}} for each in names]
    return answer_of(json.dumps({"metadata": about, "items": items}).encode())


def change(kind: str, name: str, version: str) -> bytes:
    """A line of a watch."""
    return chunk(
        json.dumps({"type": kind, "object": {"metadata": {"name": name, "resourceVersion": version}}}).encode() + b"\n"
    )


def play(
    folder: Path, monkeypatch: pytest.MonkeyPatch, answers: list[bytes], done: Callable[[Seen], bool]
) -> tuple[Seen, list[dict[str, str]]]:
    """Follows a collection, whose server gives these answers and then none, until ``done``; returns what was asked."""
    monkeypatch.setattr(collection, "FIRST_PAUSE", 0.01)
    asked: list[dict[str, str]] = []
    seen, left = Seen(), list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        assert "Authorization: Bearer swordfish" in head or "authorization: bearer swordfish" in head.lower()
        asked.append({key: each[0] for key, each in parse_qs(urlsplit(head.split(" ")[1]).query).items()})
        if left:
            writer.write(left.pop(0))
            await writer.drain()
            writer.close()
        else:
            await asyncio.sleep(60)

    async def scene() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            cluster = Cluster(kubeconfig(folder, server.sockets[0].getsockname()[1]))
            following = asyncio.create_task(Collection(PATH, {"labelSelector": "mcp_fleet=mcp"}).follow(cluster, seen))
            async with asyncio.timeout(30):
                while not (done(seen) and not left):
                    await asyncio.sleep(0.01)
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
            server.close()
            server.close_clients() if hasattr(server, "close_clients") else None

    asyncio.run(scene())
    return seen, asked


def test_a_list_in_pages_is_watched_from_its_version_and_a_cut_watch_from_where_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = CHUNKED + change("ADDED", "c", "6") + change("DELETED", "a", "7") + change("BOOKMARK", "", "9")
    answers = [pods("a", onward="more"), pods("b"), watch, CHUNKED + change("ADDED", "d", "10")]
    seen, asked = play(tmp_path, monkeypatch, answers, lambda seen: seen.names == {"b", "c", "d"})
    assert [each.get("resourceVersion") for each in asked[:4]] == [None, None, "5", "9"]
    assert asked[1]["continue"] == "more"
    assert all(each["labelSelector"] == "mcp_fleet=mcp" for each in asked)
    assert seen.lists == 1


@pytest.mark.parametrize(
    "gone",
    [
        answer_of(b'{"message": "too old resource version"}', "410 Gone"),
        CHUNKED + chunk(b'{"type": "ERROR", "object": {"code": 410, "message": "too old"}}\n'),
    ],
    ids=["refused", "within the watch"],
)
def test_where_the_version_is_too_old_everything_is_listed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: bytes
) -> None:
    seen, _ = play(tmp_path, monkeypatch, [pods("a"), gone, pods("b", version="20")], lambda seen: seen.names == {"b"})
    assert seen.lists == 2


def test_who_says_later_is_asked_again_when_it_said_and_from_where_the_watch_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    true_sleep = asyncio.sleep

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await true_sleep(min(seconds, 0.01))

    monkeypatch.setattr(collection.asyncio, "sleep", sleep)
    later = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"
    answers = [pods("a"), later, CHUNKED + change("ADDED", "b", "6")]
    seen, asked = play(tmp_path, monkeypatch, answers, lambda seen: seen.names == {"a", "b"})
    assert 7.0 in slept
    assert asked[2]["resourceVersion"] == "5"
    assert seen.lists == 1
