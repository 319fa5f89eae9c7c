#!/usr/bin/env bash
# run.sh TARGET…: prepare this machine for the tests, run each target, and stop at the end what was started for them.
# Targets: all (lint unit e2e molecule security) lint unit e2e security chaos molecule fresh bench-NAME
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
bin=$PWD/.venv/bin
unset PYTHONDONTWRITEBYTECODE "${!ANSIBLE_@}"

engine_answers() { timeout 5 docker version >/dev/null 2>&1; }
had_engine=$(engine_answers && echo yes || echo no)

leave_nothing_running() {
  [ "$had_engine" = no ] || return 0
  engine_answers || return 0
  if [ -d /run/systemd/system ]; then
    systemctl stop docker.socket docker.service
  else
    local pid
    pid=$(cat /run/docker.pid) && kill "$pid" && tail --pid="$pid" -f /dev/null
  fi
}
trap leave_nothing_running EXIT

prepared=
prepare() {
  [ -z "$prepared" ] || return 0
  "$bin/ansible-playbook" tests/prepare.yml -i inventory/local
  prepared=yes
}

# The end-to-end tests wait more than they compute, and share neither ports nor objects of the engine with the others.
side_by_side() {
  local others log failed=
  log=$(mktemp)
  tests/run.sh lint unit molecule security >"$log" 2>&1 &
  others=$!
  tests/run.sh e2e || failed=yes
  wait "$others" || failed=yes
  cat "$log"
  rm -f "$log"
  [ -z "$failed" ]
}

for target in "$@"; do
  printf '\n==> %s\n' "$target"
  case $target in
    lint | unit) make --no-print-directory "$target" ;;
    all) prepare; side_by_side ;;
    e2e) prepare; "$bin/pytest" -q --durations=20 tests/e2e ;;
    security) prepare; "$bin/pytest" -q --durations=20 tests/security ;;
    chaos) prepare; MCP_CHAOS=yes SEED=${SEED:-$RANDOM} "$bin/pytest" -q -s tests/e2e/test_site_faults.py tests/e2e/test_chaos.py ;;
    molecule) prepare; (cd molecule/.. && PATH=$bin:$PATH "$bin/molecule" test) ;;
    fresh) prepare; tests/hosts/fresh.py --upgrade && tests/hosts/fresh.py --without-apt ;;
    bench-*) prepare; "$bin/python" "benchmarks/${target#bench-}.py" ;;
    *) echo "run.sh: unknown target $target" >&2; exit 2 ;;
  esac
done
