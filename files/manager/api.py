"""The API of the monitor (docs/api.md) as a caller's tools call it, with the caller's own token."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

SECONDS = 70.0
"""An operation that waits for a run answers within a minute."""
_STREAM_SECONDS = 20.0
"""A log that is followed says every few seconds that it is still there."""


class Refused(Exception):
    """The API has not done it. The text says what is wrong, and the way out; ``kind`` is the problem's, for programs,
    and ``mistakes`` are the single things that are wrong."""

    def __init__(self, text: str, kind: str = "", mistakes: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.kind = kind
        self.mistakes = mistakes


@dataclass(frozen=True)
class Api:
    """``url`` ends with /api/v1, ``authorization`` is the caller's header, and ``client`` from where they call."""

    http: httpx2.AsyncClient
    url: str
    authorization: str
    client: str = ""

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        """The document at a path. Values of None are left out. Raises Refused."""
        return await self._ask("GET", path, query)

    async def post(self, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> dict[str, Any]:
        """What an operation answers; raises Refused."""
        return await self._ask("POST", path, query, body)

    async def delete(self, path: str, **query: Any) -> dict[str, Any]:
        """What an operation answers; raises Refused."""
        return await self._ask("DELETE", path, query)

    @asynccontextmanager
    async def events(self, path: str, **query: Any) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
        """The server-sent events at a path by their names; one without says that it goes on. Raises Refused."""
        try:
            async with self.http.stream(
                "GET", self.url + path, params=_given(query), headers=self._headers(), timeout=_STREAM_SECONDS
            ) as answer:
                if answer.status_code != 200:
                    raise _refused(answer.status_code, await answer.aread())
                yield _events(answer.aiter_lines())
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from error

    async def _ask(
        self, method: str, path: str, query: Mapping[str, Any], body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            answer = await self.http.request(
                method, self.url + path, params=_given(query), json=body, headers=self._headers(), timeout=SECONDS
            )
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from error
        if answer.status_code not in (200, 202):
            raise _refused(answer.status_code, answer.content)
        document: dict[str, Any] = json.loads(answer.content)
        return document

    def _headers(self) -> dict[str, str]:
        forwarded = {"X-Forwarded-For": self.client} if self.client else {}
        return {"Authorization": self.authorization, **forwarded}

    def _unreachable(self, error: httpx2.HTTPError) -> Refused:
        return Refused(f"{self.url} does not answer ({type(error).__name__}). Nothing is known; try again in a minute")


def _given(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _refused(status: int, content: bytes) -> Refused:
    """What a problem document says (RFC 9457)."""
    try:
        problem = json.loads(content)
        mistakes = problem.get("errors", ())
        kind = str(problem["type"]).rpartition(":")[2]
        lines = [f"- {each['place']}: {each['detail']}" for each in mistakes]
        text = "\n".join([f"{problem['title']} ({kind}): {problem['detail']}", *lines])
        return Refused(text, kind, [str(each["detail"]) for each in mistakes])
    except (ValueError, TypeError, KeyError, AttributeError):
        return Refused(f"The answer was {status}, and no answer of the API; is its address right?")


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, Any]]:
    """Of each event its name and its data, which is one line of JSON; a comment has no name."""
    name = ""
    async for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)
        elif line and not field:
            yield "", None
