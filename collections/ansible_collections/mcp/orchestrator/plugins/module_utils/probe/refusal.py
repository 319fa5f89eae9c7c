# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a failed connection or an HTTP error means, in one sentence, and whose it is: network, balancer or server."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.channel import Answer, BodyTooLarge, Channel
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.failure import ProbeFailure

LONGEST_QUOTE = 200

# What guards against DNS rebinding say: those of the MCP SDKs, Playwright's server, Vite, Django and Rails.
_GUARD = re.compile(
    r"(?:invalid|bad|unknown|untrusted|disallowed|blocked|missing) (?:http_)?(?:host|origin)s?\b"
    r"|\b(?:host|origin)s?\b.{0,100}\bnot (?:\w+ )?(?:allowed|permitted|trusted|valid)\b"
    r"|\bonly allowed at\b|\bdns.rebinding\b",
    re.IGNORECASE,
)


def shorten(text: str) -> str:
    """One line of at most 200 characters, without control characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 1] + "…"


def transport_failure(error: Exception, step: str, channel: Channel) -> ProbeFailure:
    """What went wrong below MCP, in one sentence. Never quotes what was sent: headers hold tokens."""
    if channel.connect_seconds is None:
        return _connect_failure(error, channel)
    if isinstance(error, TimeoutError):
        return ProbeFailure("timeout", step, f"no answer to {step} in time")
    if isinstance(error, BodyTooLarge):
        return ProbeFailure("not_mcp", step, f"the answer to {step} is larger than 16 MiB")
    if isinstance(error, (OSError, http.client.IncompleteRead)):
        return ProbeFailure("closed", step, f"the connection was closed before {step} was answered")
    if isinstance(error, http.client.HTTPException):
        return ProbeFailure("not_mcp", step, f"{channel.host}:{channel.port} does not answer in HTTP")
    return ProbeFailure("error", step, "a header to be sent holds characters that HTTP does not allow")


def _connect_failure(error: Exception, channel: Channel) -> ProbeFailure:
    where = f"{channel.host}:{channel.port}"
    if isinstance(error, TimeoutError):
        return ProbeFailure("timeout", "connect", f"no connection to {where} in time")
    if isinstance(error, ssl.SSLCertVerificationError):
        said = shorten(error.verify_message)
        return ProbeFailure("tls", "connect", f"the certificate of {where} is not accepted: {said}")
    if isinstance(error, ssl.SSLError):
        return ProbeFailure("tls", "connect", f"no TLS with {where}: {shorten(error.reason or str(error))}")
    if isinstance(error, ConnectionRefusedError):
        return ProbeFailure("refused", "connect", f"connection refused: nothing listens on {where}")
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return ProbeFailure("unreachable", "connect", f"the name {channel.host} cannot be resolved")
    if isinstance(error, OSError):
        said = shorten(error.strerror or str(error))
        return ProbeFailure("unreachable", "connect", f"{where} cannot be reached: {said}")
    return ProbeFailure("error", "connect", f"{where} cannot be asked: {type(error).__name__}")


def not_mcp(step: str, answer: Answer) -> ProbeFailure:
    """A success that holds no JSON-RPC answer."""
    if answer.status == 202:
        return ProbeFailure("not_mcp", step, f"not MCP: {step} was accepted (202) and never answered")
    kind = answer.media_type or "no content type"
    return ProbeFailure("not_mcp", step, f"not MCP: {step} was answered with {answer.status} and {kind}")


def lost_prefix(step: str, told: str, url: str) -> ProbeFailure:
    """A server of the older transport told an address for messages that does not lead to it."""
    path = shorten(told.partition("?")[0])
    reason = f"the server asks for messages at {path}, which does not lead back to it from {urlsplit(url).path or '/'}"
    return ProbeFailure("prefix", step, reason)


def refusal(step: str, answer: Answer, body: Any, url: str) -> ProbeFailure:
    """What an HTTP status of 300 or more means, and who said it. Takes the decoded JSON, else the text, else None."""
    path = urlsplit(url).path or "/"
    status = answer.status
    said = _reason_in(body)
    quoted = f": {said}" if said else ""
    if status == 421 or (status in (401, 403) and _is_guard(answer, said)):
        return ProbeFailure(
            "guard", step, f"{status}: the server does not accept the Host or Origin it is asked by{quoted}"
        )
    if status in (401, 403):
        scheme = shorten(answer.header("www-authenticate").partition(" ")[0])
        wanted = f" ({scheme})" if scheme else ""
        return ProbeFailure(
            "auth", step, f"{status}: the server requires an authorization that the probe does not have{wanted}{quoted}"
        )
    if status == 404:
        return _not_found(step, answer, path, quoted)
    if status in _BALANCER and body is not None and not isinstance(body, str) and not _signed_by_balancer(answer):
        return ProbeFailure("bridge", step, f"{status} by the bridge: {said or 'it gives no reason'}")
    if status in _BALANCER and not _signed_by_server(answer):
        return ProbeFailure("balancer", step, f"{status} by the balancer: {_BALANCER[status]}")
    if 300 <= status < 400:
        location = shorten(answer.header("location").partition("?")[0])
        return ProbeFailure("not_mcp", step, f"not MCP: {path} redirects ({status}) to {location or 'nowhere'}")
    return ProbeFailure("not_mcp", step, f"not MCP: {step} was answered with {status}{quoted}")


def _is_guard(answer: Answer, said: str) -> bool:
    """Whether a guard against foreign hosts refused, which no login would change."""
    return not answer.header("www-authenticate") and _GUARD.search(said) is not None


def _not_found(step: str, answer: Answer, path: str, quoted: str) -> ProbeFailure:
    if _signed_by_balancer(answer):
        return ProbeFailure("no_route", step, f"404 by the route: no rule of the balancer leads {path} to a server")
    if _signed_by_server(answer):
        return ProbeFailure("not_found", step, f"404 by the server: it does not serve MCP at {path}{quoted}")
    reason = f"404: no route leads to {path}, or the server behind it does not serve MCP there{quoted}"
    return ProbeFailure("not_found", step, reason)


def _signed_by_balancer(answer: Answer) -> bool:
    """An ALB puts ``Server: awselb/2.0`` on the answers that are its own, and the local one does the same."""
    return answer.header("server").startswith("awselb")


def _signed_by_server(answer: Answer) -> bool:
    return bool(answer.header("server") or answer.header("x-powered-by")) and not _signed_by_balancer(answer)


_BALANCER = {
    502: "the server closed the connection or answered with something that is not HTTP",
    503: "the route has no healthy target",
    504: "the server did not answer within the load balancer's timeout",
}


def _reason_in(body: Any) -> str:
    """The sentence in a JSON error body: of the bridge, of JSON-RPC, or of a common framework; or in a text."""
    if isinstance(body, str):
        return shorten(body)
    if not isinstance(body, dict):
        return ""
    for key in ("reason", "message", "error", "detail", "status"):
        value = body.get(key)
        if isinstance(value, dict):
            value = value.get("message")
        if isinstance(value, str) and value:
            return shorten(value)
    return ""
