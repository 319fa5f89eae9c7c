#!/usr/bin/env bash
# run.sh TARGET…: prepare this machine for the tests, run each target, and stop at the end what was started for them.
# Targets: all (lint unit e2e molecule security) lint unit e2e (e2e_site e2e_life e2e_packages e2e_parts) security chaos
# chaos-host kubernetes observe-test soak molecule fresh bench-NAME
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

prepared=${MCP_PREPARED-}
prepare() {
  [ -z "$prepared" ] || return 0
  "$bin/ansible-playbook" tests/prepare.yml -i inventory/local
  prepared=yes
}

# The tests of a whole installation, in three parts that take about as long; each part has a site of its own.
site=(tests/e2e/test_{site,site_files,site_sessions,routes_site,upgrade}.py)
life=(tests/e2e/test_{watcher,site_requests,site_api,monitor_actions,site_report,site_sleep,site_litellm}.py)
packages=(tests/e2e/test_{packages,site_config,site_signatures,site_faults}.py)
others() { local each; for each in "${site[@]}" "${life[@]}" "${packages[@]}"; do printf -- '--ignore=%s\n' "$each"; done; }

# One target more at a time than there are processors, the longest first: each waits now and then, and they share neither
# ports nor objects of the engine. With more of them nothing ends earlier and servers start too late for their health
# checks. What a target says comes when it has ended, in one piece. Tests that failed there, and the host of molecule, run
# once more, with the machine to themselves, and the end names them: what fails twice is broken, what fails once is a test
# that depends on the machine's speed and has to be mended too, but tells nothing of the change at hand.
side_by_side() {
  local logs code=0
  logs=$(mktemp -d)
  export MCP_PREPARED=yes logs
  # shellcheck disable=SC2016  # the inner shell expands them
  printf '%s\n' e2e_parts e2e_packages e2e_site e2e_life unit security molecule lint | xargs -P "$(($(nproc) + 1))" -I TARGET bash -c '
    begun=$SECONDS result=passed TIMEFORMAT="%U + %S s of the processor"
    export PYTEST_ADDOPTS="-o cache_dir=$logs/TARGET.cache"
    { time tests/run.sh TARGET >"$logs/TARGET" 2>&1; } 2>"$logs/TARGET.time" || result=FAILED
    flock "$logs" cat "$logs/TARGET"
    printf "\n==> %s: %s after %d s, %s\n" TARGET "$result" "$((SECONDS - begun))" "$(cat "$logs/TARGET.time")"
    echo "TARGET $result" >>"$logs/results"
    [ "$result" = passed ]' || code=$?
  cat "$logs/results"
  [ "$code" = 0 ] || { code=0; failed_again || code=$?; }
  rm -rf "$logs"
  return "$code"
}

few() { [ -e "$1" ] && "$bin/python" -c 'import json, sys; sys.exit(len(json.load(open(sys.argv[1]))) > 5)' "$1"; }

failed_again() {
  local target result failed code=0
  while read -r target result; do
    [ "$result" = FAILED ] || continue
    failed=$logs/$target.cache/v/cache/lastfailed
    # More than a few tests, or lint, do not fail because the machine is slow.
    if [ "$target" = molecule ] || few "$failed"; then
      printf '\n==> %s failed beside the others; once more what failed, alone\n' "$target"
      PYTEST_ADDOPTS="-o cache_dir=$logs/$target.cache --last-failed" tests/run.sh "$target" </dev/null || code=1
    else
      code=1
    fi
  done <"$logs/results"
  return "$code"
}

for target in "$@"; do
  printf '\n==> %s\n' "$target"
  case $target in
    lint | unit) make --no-print-directory "$target" ;;
    all) prepare; side_by_side ;;
    e2e) prepare; "$bin/pytest" -q --durations=20 tests/e2e ;;
    e2e_site) prepare; "$bin/pytest" -q --durations=20 "${site[@]}" ;;
    e2e_life) prepare; MCP_TEST_SITE=2 "$bin/pytest" -q --durations=20 "${life[@]}" ;;
    e2e_packages) prepare; MCP_TEST_SITE=1 "$bin/pytest" -q --durations=20 "${packages[@]}" ;;
    e2e_parts) prepare; mapfile -t ignored < <(others); "$bin/pytest" -q --durations=20 "${ignored[@]}" tests/e2e tests/kubernetes ;;
    security) prepare; "$bin/pytest" -q --durations=20 tests/security ;;
    chaos)
      prepare
      read -ra options <<<"${OPTIONS-}"
      MCP_TEST_SITE=${MCP_TEST_SITE:-2} "$bin/python" -m tests.chaos --seed "${SEED:-$RANDOM}" "${options[@]}"
      MCP_CHAOS=yes "$bin/pytest" -q tests/e2e/test_site_faults.py
      ;;
    kubernetes) prepare; tests/kubernetes/build.sh && MCP_KUBERNETES=long "$bin/pytest" -q --durations=20 tests/kubernetes ;;
    observe-test) prepare; MCP_TEST_SITE=${MCP_TEST_SITE:-2} "$bin/python" -m tests.observability ;;
    observe-host) prepare; tests/hosts/observe.py ;;
    chaos-host) prepare; read -ra options <<<"${OPTIONS-}"; "$bin/python" -m tests.chaos.host "${options[@]}" ;;
    soak)
      prepare
      MCP_TEST_SITE=${MCP_TEST_SITE:-2} "$bin/python" -m tests.soak --days "${DAYS:-14}" --seed "${SEED:-$RANDOM}"
      ;;
    nine) prepare; MCP_TEST_SITE=${MCP_TEST_SITE:-2} "$bin/python" -m tests.nine.run ;;
    inspector) prepare; "$bin/pytest" -q tests/e2e/test_site_api.py -k mcp_tools ;;
    molecule) prepare; (cd molecule/.. && PATH=$bin:$PATH "$bin/molecule" test) ;;
    fresh) prepare; tests/hosts/fresh.py --upgrade && tests/hosts/fresh.py --without-apt ;;
    bench-*) prepare; read -ra options <<<"${OPTIONS-}"; "$bin/python" "benchmarks/${target#bench-}.py" "${options[@]}" ;;
    *) echo "run.sh: unknown target $target" >&2; exit 2 ;;
  esac
done
