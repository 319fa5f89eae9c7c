#!/usr/bin/env bash
# Run ansible-test's sanity tests over the collection with the interpreter of the development environment.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
environment=$PWD/.venv
export PATH=$environment/bin:$PATH
unset PYTHONDONTWRITEBYTECODE

# ansible-test bootstraps pip with a script from a site that need not be reachable, but takes it from its cache first.
cache=$HOME/.ansible/test/cache
mkdir -p "$cache"
cat >"$cache/get_pip_24_2.py" <<'PYTHON'
import subprocess, sys
subprocess.run([sys.executable, "-m", "ensurepip", "--upgrade"], check=True, capture_output=True)
PYTHON

cd collections/ansible_collections/mcp/orchestrator
sanity() { ansible-test sanity --python 3.11 --color no "$@"; }
if [ $# -gt 0 ]; then
  sanity "$@"
  exit
fi
sanity --skip-test pylint
# It takes longer than all others together, and a third of that was for the collection's own tests, which are run, and
# which ruff reads.
sanity --test pylint plugins/
