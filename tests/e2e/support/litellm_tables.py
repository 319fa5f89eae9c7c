"""Tables in LiteLLM's memory, in the place of its database: a callback module of its config, run inside the proxy.

LiteLLM reaches PostgreSQL by Prisma's engine, which comes from a server of its maker's and from no registry. Everything
above the tables is the real thing here: the admin API, its checks, what it stores and how it reads that again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy import proxy_server
from litellm.proxy.management_endpoints import mcp_management_endpoints

# Columns of JSON, which are written as texts and read as what these say (litellm/proxy/schema.prisma).
JSON = ("credentials", "env", "env_vars", "mcp_info", "static_headers", "tool_name_to_description")


class Row(SimpleNamespace):
    """A row; a column that nobody has written is null."""

    def write(self, data: Mapping[str, Any]) -> None:
        for name, value in data.items():
            setattr(self, name, json.loads(value) if name in JSON and isinstance(value, str) else value)

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)

    def model_dump(self, **_options: Any) -> dict[str, Any]:
        return dict(vars(self))


class Table:
    """What LiteLLM asks of a table."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    async def find_many(self, where: Mapping[str, Any] | None = None, **_options: Any) -> list[Row]:
        return [row for row in self.rows if _meets(row, where or {})]

    async def find_first(self, where: Mapping[str, Any] | None = None, **_options: Any) -> Row | None:
        return next(iter(await self.find_many(where)), None)

    find_unique = find_first

    async def count(self, where: Mapping[str, Any] | None = None, **_options: Any) -> int:
        return len(await self.find_many(where))

    async def create(self, data: Mapping[str, Any], **_options: Any) -> Row:
        row = Row()
        row.write(data)
        self.rows.append(row)
        return row

    async def update(self, data: Mapping[str, Any], where: Mapping[str, Any], **_options: Any) -> Row | None:
        row = await self.find_first(where)
        if row is not None:
            row.write(data)
        return row

    async def delete(self, where: Mapping[str, Any], **_options: Any) -> Row | None:
        row = await self.find_first(where)
        if row is not None:
            self.rows.remove(row)
        return row

    async def delete_many(self, where: Mapping[str, Any] | None = None, **_options: Any) -> int:
        found = await self.find_many(where)
        self.rows = [row for row in self.rows if row not in found]
        return len(found)


class Tables:
    """All tables, each there once somebody asks for it."""

    def __getattr__(self, name: str) -> Table:
        if name.startswith("__"):
            raise AttributeError(name)
        table = Table()
        setattr(self, name, table)
        return table

    @asynccontextmanager
    async def tx(self, *_arguments: Any, **_options: Any) -> Any:
        yield self

    async def execute_raw(self, *_arguments: Any) -> int:
        return 0

    async def query_raw(self, *_arguments: Any) -> list[Any]:
        return []


def _meets(row: Row, where: Mapping[str, Any]) -> bool:
    for key, wanted in where.items():
        if key == "OR":
            met = any(_meets(row, each) for each in wanted)
        elif key == "AND":
            met = all(_meets(row, each) for each in (wanted if isinstance(wanted, list) else [wanted]))
        elif key == "NOT":
            met = not any(_meets(row, each) for each in (wanted if isinstance(wanted, list) else [wanted]))
        elif isinstance(wanted, Mapping):
            value = getattr(row, key)
            met = value in wanted.get("in", [value]) and ("not" not in wanted or value != wanted["not"])
            met = met and ("equals" not in wanted or value == wanted["equals"])
        else:
            met = getattr(row, key) == wanted
        if not met:
            return False
    return True


CLIENT = SimpleNamespace(db=Tables())
CLIENT.writer_db = CLIENT.db


def _client(_message: str) -> Any:
    proxy_server.prisma_client = CLIENT  # not before: LiteLLM's start would look for a database behind it
    return CLIENT


mcp_management_endpoints.get_prisma_client_or_throw = _client
callback = CustomLogger()
