#!/usr/bin/env bash
# make_venv.sh DIRECTORY LOCK: a virtual environment that holds exactly what the lock names.
# Does nothing, silently, when it is there already; prints "installed" when it was made or changed.
set -euo pipefail
directory=$1 lock=$2
want=$(sha256sum <"$lock")
[ "$(cat "$directory/.lock.sha256" 2>/dev/null)" != "$want" ] || exit 0

# Services of other users run it too, so the system's interpreter comes before one in somebody's home.
python=${MCP_PYTHON:-/usr/bin/python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  { echo "make_venv: $("$python" --version) is too old; set MCP_PYTHON to a Python 3.11 or newer" >&2; exit 1; }
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  # Debian keeps ensurepip out of the interpreter's own package.
  DEBIAN_FRONTEND=noninteractive apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${python##*/}-venv" >/dev/null
fi
[ -x "$directory/bin/python" ] || "$python" -m venv "$directory"
"$directory/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
echo "$want" >"$directory/.lock.sha256"
echo installed
