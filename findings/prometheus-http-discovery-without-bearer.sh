#!/usr/bin/env bash
# Prometheus 2.42.0 (Debian 12's package prometheus 2.42.0+ds-5).
#
# `authorization` has the type Bearer by default, says its documentation of all HTTP clients. Discovery over HTTP
# (http_sd_configs) sends the bare credentials where the type is not written down, and is answered with 401; scrapes of
# the same configuration send "Bearer …". With `type: Bearer` both do.
#
# Why it matters: a configuration after the documentation finds no targets, and the page of targets says nothing of it.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
echo secret >token
cat >server.py <<'PYTHON'
import http.server


class Discovery(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path, self.headers["Authorization"], flush=True)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *arguments):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Discovery)
open("port", "w").write(str(server.server_address[1]))
server.serve_forever()
PYTHON
python3 server.py >said &
server=$!
until [ -s port ]; do sleep 0.1; done
cat >prometheus.yml <<YAML
scrape_configs:
  - job_name: default
    http_sd_configs:
      - url: http://127.0.0.1:$(cat port)/default
        authorization: {credentials_file: $folder/token}
  - job_name: written
    http_sd_configs:
      - url: http://127.0.0.1:$(cat port)/written
        authorization: {type: Bearer, credentials_file: $folder/token}
YAML
for job in default written; do
  promtool check service-discovery --timeout=3s prometheus.yml "$job" >/dev/null
done
cat said
expected="/default secret
/written Bearer secret"
[ "$(cat said)" = "$expected" ] || { echo "this has changed; it was:"; echo "$expected"; exit 1; }
