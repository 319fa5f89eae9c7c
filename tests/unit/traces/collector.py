"""An OTLP receiver: HTTP, and OpenTelemetry's own parser of what comes."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Taken:
    """A span as it came, with the attributes of its resource."""

    span: Any
    attributes: dict[str, str]
    resource: dict[str, str]


@dataclass
class Collector:
    """What has come. ``status`` is what it answers with."""

    port: int = 0
    status: int = 200
    requests: int = 0
    spans: list[Taken] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/traces"

    def take(self, raw: bytes) -> None:
        """Parses a request."""
        self.raw.append(raw)
        for each in ExportTraceServiceRequest.FromString(raw).resource_spans:
            resource = _plain(each.resource.attributes)
            for scope in each.scope_spans:
                self.spans += [Taken(span, _plain(span.attributes), resource) for span in scope.spans]


def _plain(attributes: Any) -> dict[str, str]:
    return {each.key: each.value.string_value for each in attributes}


@contextmanager
def collector(port: int = 0) -> Iterator[Collector]:
    """Runs one on this machine."""
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            found.requests += 1
            if found.status == 200:
                assert self.path == "/v1/traces"
                assert self.headers["content-type"] == "application/x-protobuf"
                found.headers.append({name.lower(): value for name, value in self.headers.items()})
                found.take(gzip.decompress(raw) if self.headers["content-encoding"] == "gzip" else raw)
            self.send_response(found.status)
            if found.status == 307:
                self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
