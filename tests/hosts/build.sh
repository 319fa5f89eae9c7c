#!/usr/bin/env bash
# build.sh: makes the image mcp-test/host:12 of a Debian 12 host with systemd and its own engine. Again: a second.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
../../files/images/build.py mcp-base/debian:12
said=$(DOCKER_BUILDKIT=0 docker build --force-rm --quiet --tag mcp-test/host:12 image 2>&1) || { echo "$said" >&2; exit 1; }
echo "mcp-test/host:12: ready"
