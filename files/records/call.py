"""One call of a bridged server, as the bridge writes it to the log of its container: a mark and six words, eight more
where calls are traced.

``bridge: call: ENDED SESSION METHOD TOOL OUTCOME MILLISECONDS``, and ``STARTED ERROR REVISION PARENT LINK ID PROMPT
STATE``. SESSION is a digest of the session's id, METHOD and
TOOL are a client's words, cut and with everything but plain characters as ``%`` and two digits; ``-`` stands for what
there is not. Nothing of what the call carries is in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from bridge.printable import printable

from .line import Line

MARK = b"bridge: call: "
OUTCOMES = ("ok", "error", "lost", "busy", "cancelled", "ended")
_CALL = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([0-9a-f]{16}|-) (\S{1,200}) (\S{1,200}) ([a-z]{1,20}) (\d{1,9}\.\d)"
    r"(?: (\d{1,17}) (\S{1,20}) (\S{1,200}) ([0-9a-f-]{55}|-) ([0-9a-f-]{55}|-) (\S{1,200}) (\S{1,200}) (\S{1,1536}))?"
)


@dataclass(frozen=True, slots=True)
class Trace:
    """What a call says of its trace. ``started`` is in microseconds since 1970.

    ``error``: tool_error, the code of the server's error, or ``_OTHER``. ``parent`` and ``link`` are contexts as a
    traceparent writes them, ``state`` is the parent's tracestate. What there is not is empty.
    """

    started: int
    error: str
    revision: str
    parent: str
    link: str
    ident: str
    prompt: str
    state: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call that has ended. ``session`` is a digest, empty without a session; ``tool`` is empty for other methods.

    ``outcome``: ok, error (the server's answer), lost (it died), busy, cancelled or ended. The words of clients can be
    shown as they are: nothing in them acts on a terminal.
    """

    server: str
    ended: str
    container: str
    session: str
    method: str
    tool: str
    outcome: str
    milliseconds: float
    position: str
    trace: Trace | None = None


def call_of(line: Line) -> Call | None:
    """Returns the call in a line of a call record; None where there is none."""
    found = _CALL.fullmatch(line.text)
    if found is None:
        return None
    words = ("" if each in ("-", None) else each for each in found.groups())
    ended, session, method, tool, outcome, milliseconds, started, *rest = words
    return Call(
        server=line.server,
        ended=ended,
        container=line.container,
        session=session,
        method=printable(unquote(method)),
        tool=printable(unquote(tool)),
        outcome=outcome,
        milliseconds=float(milliseconds),
        position=line.position,
        trace=_trace(started, *rest) if started else None,
    )


def _trace(started: str, error: str, revision: str, parent: str, link: str, *words: str) -> Trace:
    revision, ident, prompt, state = (printable(unquote(each)) for each in (revision, *words))
    return Trace(int(started), error, revision, parent, link, ident, prompt, state)
