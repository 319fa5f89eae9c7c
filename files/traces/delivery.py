"""Sends spans by OTLP over HTTP, with OpenTelemetry's own exporter."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import requests
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

# With the authorities that this host trusts beside the public ones; the exporter has its own list of those.
_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
# What the batch itself is refused for. All else may pass: a token can be renewed, a receiver set up.
_OF_THE_BATCH = (400, 413)
SECONDS = 10.0
"""How long the receiver may take for a batch, with the exporter's own further tries."""


class Outcome(Enum):
    """What became of a batch."""

    TAKEN = "taken"
    REFUSED = "refused"
    """It would be refused again."""
    WAITS = "waits"
    """The receiver could not take it now."""


class Receiver:
    """An OTLP receiver at ``endpoint``, an address with its path. ``headers`` go with each request."""

    def __init__(self, endpoint: str, headers: Mapping[str, str]) -> None:
        # It says the same at each try, and may quote the receiver.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._status = 0
        session = requests.Session()
        session.trust_env = False  # no proxy and no password of the environment's
        session.hooks["response"].append(self._note)
        self._exporter = OTLPSpanExporter(
            endpoint=endpoint,
            headers=headers,
            certificate_file=str(_AUTHORITIES) if _AUTHORITIES.exists() else None,
            timeout=SECONDS,
            compression=Compression.Gzip,
            session=session,
        )

    def send(self, spans: Sequence[ReadableSpan]) -> tuple[Outcome, str]:
        """Sends a batch, and returns what became of it and why it was not taken."""
        self._status = 0
        # To the exporter a redirection is a success, too (findings/opentelemetry-exporter-redirect-is-success.sh).
        if self._exporter.export(spans) is SpanExportResult.SUCCESS and self._status < 300:
            return Outcome.TAKEN, ""
        if not self._status:
            return Outcome.WAITS, "it cannot be reached, or does not answer"
        outcome = Outcome.REFUSED if self._status in _OF_THE_BATCH else Outcome.WAITS
        return outcome, f"it answers with HTTP status {self._status}"

    def _note(self, response: requests.Response, *_: Any, **__: Any) -> None:
        self._status = response.status_code
