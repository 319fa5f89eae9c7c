"""Records of traced calls, as bridges write them."""

from __future__ import annotations

from records.call import Call, Trace, call_of
from records.line import parse

from tests.unit.records.kept import FIRST, line

TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"
ENDED = "2023-11-14T22:13:20.000Z"


def text(
    started: float = 0.0,
    *,
    session: str = "0011223344556677",
    call: str = "tools/call get_time ok 12.3",
    error: str = "-",
    revision: str = "2025-11-25",
    parent: str = PARENT,
    link: str = "-",
    ident: str = "7",
    prompt: str = "-",
    state: str = "-",
) -> str:
    """What a bridge writes of a call that has begun ``started`` seconds after FIRST."""
    begun = int((FIRST + started) * 1_000_000)
    return f"{ENDED} {session} {call} {begun} {error} {revision} {parent} {link} {ident} {prompt} {state}"


def kept(started: float = 0.0, **said: str) -> bytes:
    """The same as the watcher keeps it."""
    return line(started, text(started, **said), "call")


def call(started: float = 0.0, *, position: str = "1:99", **said: str) -> Call:
    """The same as it is read."""
    found = parse("time", kept(started, **said).rstrip(b"\n"), position)
    made = call_of(found) if found is not None else None
    assert made is not None
    return made


def trace_of(said: str) -> Trace | None:
    """What the text of a record says of a trace."""
    found = parse("time", line(0, said, "call").rstrip(b"\n"), "1:1")
    made = call_of(found) if found is not None else None
    assert made is not None
    return made.trace
