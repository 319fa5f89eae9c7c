"""What the record of a call says of its trace (W3C Trace Context, https://www.w3.org/TR/trace-context/).

Nothing of it is passed on from here: the server gets its client's `_meta` as it came. Imported only where calls are
recorded with their traces.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .protocol.revision import META_PREFIX
from .word import word

if TYPE_CHECKING:
    from .protocol.message import Message

_PARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}").fullmatch
# As many characters as everybody should pass on (3.3.1.5); a part of a list would be another list.
_STATE = re.compile(r"[\x20-\x7e]{1,512}").fullmatch


def context_of(message: Message, headers: dict[bytes, bytes], revision: str | None) -> str:
    """Returns `REVISION PARENT LINK ID PROMPT STATE` of a request, with `-` for what there is not.

    The parent stands in `_meta`; then the context of the HTTP request, which is another one, is a link. Without it that
    context is the parent (OpenTelemetry's conventions for MCP). `revision`: the session's, None where the request says
    it.
    """
    meta = message.meta
    parent, state = _parent(meta.get("traceparent")), meta.get("tracestate")
    link = _parent(headers.get(b"traceparent", b"").decode("latin-1"))
    if parent == "-":
        parent, link, state = link, "-", headers.get(b"tracestate", b"").decode("latin-1")
    elif link == parent:
        link = "-"
    used = revision or meta.get(META_PREFIX + "protocolVersion")
    prompt = message.params.get("name") if message.method == "prompts/get" else None
    words = (_word(used), parent, link, word(str(message.id)), _word(prompt), "-" if parent == "-" else _state(state))
    return " ".join(words)


def _word(value: Any) -> str:
    return word(value) if isinstance(value, str) else "-"


def _parent(value: Any) -> str:
    return value if isinstance(value, str) and _PARENT(value) else "-"


def _state(value: Any) -> str:
    if not isinstance(value, str) or not _STATE(value) or value == "-":
        return "-"
    return value.replace("%", "%25").replace(" ", "%20")
