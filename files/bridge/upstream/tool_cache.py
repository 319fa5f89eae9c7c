"""What the server's tools are like, as far as the bridge must know: which of their arguments stand in headers, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.protocol import message as messages
from bridge.protocol.header_mirror import ANNOTATION, Parameter, parameters_of
from bridge.protocol.message import Message

from .forwarded_call import ForwardedCall
from .handshake import META

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.services import Services

    from .backend import CallBackend

_MOST_PAGES = 100
_LISTING_SECONDS = 10.0


class ToolCache:
    """Learns from every list of tools that passes by, and asks for one when it is needed and none has."""

    def __init__(self, services: Services) -> None:
        self._loop = services.loop
        self._tools: dict[str, tuple[Parameter, ...]] = {}
        self._complete = False
        self._listing: Listing | None = None

    def learn(self, answer: Message) -> None:
        """Takes note of the tools in an answer to `tools/list`."""
        listed = answer.result.get("tools")
        marked = ANNOTATION.encode() in answer.raw  # hardly ever, and looking through all schemas is dear
        for tool in listed if isinstance(listed, list) else ():
            if isinstance(tool, dict) and isinstance(tool.get("name"), str):
                self._tools[tool["name"]] = parameters_of(tool.get("inputSchema")) if marked else ()

    def forget(self) -> None:
        """Forgets all tools, because they have changed."""
        self._tools.clear()
        self._complete = False

    def when_known(
        self,
        name: str,
        backend: CallBackend,
        callback: Callable[[tuple[Parameter, ...]], None],
        *,
        modern: bool,
    ) -> None:
        """Calls `callback` with the mirrored parameters of the tool `name`: now, or when the server has listed its
        tools. None are known of a tool that it does not list, or where it cannot: the call itself shows what is
        wrong."""
        if name in self._tools or self._complete:
            callback(self._tools.get(name, ()))
            return
        if self._listing is None:
            self._listing = Listing(self, backend, modern=modern)
            self._loop.call_later(_LISTING_SECONDS, self._listing.end)
        self._listing.waiting.append(lambda: callback(self._tools.get(name, ())))
        self._listing.begin()

    def listed(self, *, complete: bool) -> None:
        """Takes note that the listing has ended."""
        self._listing = None
        self._complete = complete


class Listing:
    """Asks for all tools, as the client of its calls."""

    def __init__(self, tool_cache: ToolCache, backend: CallBackend, *, modern: bool) -> None:
        self.address = ""  # it asks for all
        self.waiting: list[Callable[[], None]] = []
        self._tool_cache = tool_cache
        self._backend = backend
        self._params: dict[str, Any] = {"_meta": META} if modern else {}
        self._pages = 0
        self._ended = False

    def begin(self) -> None:
        """Asks for the first page, unless that has been done."""
        if self._pages == 0:
            self._ask()

    def receive(self, message: Message) -> None:
        """Takes a page, and asks for the next."""
        if self._ended or not message.is_answer:
            return
        self._tool_cache.learn(message)
        cursor = message.result.get("nextCursor")
        if isinstance(cursor, str) and self._pages < _MOST_PAGES:
            self._params["cursor"] = cursor
            self._ask()
        else:
            self._finish(complete=not isinstance(message, messages.Failure))

    def fail(self, why: str, *, status: int = 200, retryable: bool = False) -> None:
        """Gives up."""
        self.end()

    def end(self) -> None:
        """Gives up: those who wait go on without."""
        if not self._ended:
            self._backend.leave(self)
            self._finish(complete=False)

    def _ask(self) -> None:
        self._pages += 1
        self._backend.call(ForwardedCall(self, messages.parse(messages.request("tools", "tools/list", self._params))))

    def _finish(self, *, complete: bool) -> None:
        self._ended = True
        self._tool_cache.listed(complete=complete)
        waiting, self.waiting = self.waiting, []
        for callback in waiting:
            callback()
