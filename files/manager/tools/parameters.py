"""Parameters that several tools have."""

from __future__ import annotations

from monitor.api.schema import Schema

NAME_FORM = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"
SERVER_NAME: Schema = {"type": "string", "pattern": NAME_FORM, "description": "A server's name."}
SINCE: Schema = {
    "type": "string",
    "maxLength": 40,
    "description": "Nothing older: 2h, 30m, 7d, or a time such as 2026-11-29T01:19:13Z.",
}
