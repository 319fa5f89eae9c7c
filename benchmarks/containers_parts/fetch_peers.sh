#!/usr/bin/env bash
# fetch_peers.sh: what benchmarks/containers.py compares with and this project never needs otherwise: an environment with
# community.docker (it comes in PyPI's `ansible` only, 600 MB) and docker compose v2 out of the next Debian release.
set -euo pipefail
project=$(dirname "$(readlink -f "$0")")/../..
folder=${PEERS:-$HOME/.cache/mcp-orchestrator/peers}
mkdir -p "$folder"
if [ ! -x "$folder/ansible/bin/ansible-playbook" ]; then
  uv venv -q "$folder/ansible"
  uv pip install -q --python "$folder/ansible/bin/python" ansible docker requests
fi
if [ ! -x "$folder/docker-compose" ]; then
  "$project/tests/debian_programs.sh" trixie "$folder/debian" docker-compose
  ln -sf debian/usr/libexec/docker/cli-plugins/docker-compose "$folder/docker-compose"
fi
"$folder/ansible/bin/ansible-galaxy" collection list community.docker | tail -n 1
"$folder/docker-compose" version
