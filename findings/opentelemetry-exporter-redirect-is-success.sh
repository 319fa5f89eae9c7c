#!/usr/bin/env bash
# opentelemetry-exporter-otlp-proto-http 1.45.2 (PyPI), seen on Python 3.11.
#
# OTLPSpanExporter does not follow a redirection, which is right: headers with a token are for one address. But it reports the
# batch as exported, because to requests every status below 400 is ok. Nothing is logged.
#
# Why it matters: a receiver behind a proxy that redirects http to https, or /v1/traces to /v1/traces/, gets no span, and the
# sender counts all of them as sent. files/traces/delivery.py looks at the status itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opentelemetry-exporter-otlp-proto-http==1.45.2

cat >send.py <<'PYTHON'
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider

asked = []


class Redirects(BaseHTTPRequestHandler):
    def do_POST(self):
        asked.append(self.path)
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(308)
        self.send_header("location", "/elsewhere")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Redirects)
threading.Thread(target=server.serve_forever, daemon=True).start()
span = TracerProvider().get_tracer("x").start_span("x")
span.end()
result = OTLPSpanExporter(f"http://127.0.0.1:{server.server_port}/v1/traces").export([span])
print(result.name, *asked)
PYTHON

said=$(venv/bin/python send.py 2>&1)
echo "$said"
[ "$said" = "SUCCESS /v1/traces" ] || { echo "this has changed; it was: SUCCESS /v1/traces"; exit 1; }
