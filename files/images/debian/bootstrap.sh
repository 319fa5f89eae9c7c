#!/usr/bin/env bash
# bootstrap.sh: writes the root file system of a small Debian 12 to stdout as a tar, from Debian's packages alone.
set -euo pipefail
command -v mmdebstrap >/dev/null || {
  # fd 1 carries the tar.
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends mmdebstrap; } >&2
}
# The host's CA bundle goes in as a whole: behind a proxy that intercepts TLS nothing else would reach PyPI or npm.
hooks=()
[ ! -r /etc/ssl/certs/ca-certificates.crt ] ||
  hooks=(--customize-hook='copy-in /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs')
mmdebstrap --variant=minbase --include=ca-certificates \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --dpkgopt=force-unsafe-io --aptopt='Acquire::Languages "none"' "${hooks[@]}" bookworm -
