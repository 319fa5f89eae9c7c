#!/usr/bin/env bash
# Sets everything up on this machine and runs the fleet of /etc/mcp-orchestrator/mcp.config.json. Safe to run again.
#   setup.sh [OPTION OF ansible-playbook]...   installs this release beside the installed one, and switches to it
#   setup.sh --rollback                        goes back to the former release; run again, it returns
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

home=/opt/mcp-orchestrator etc=/etc/mcp-orchestrator var=/var/lib/mcp-orchestrator
log=/var/log/mcp-orchestrator-setup.log locks=/run/mcp-orchestrator

fail() { printf '\nsetup: %s\n' "$*" >&2; exit 1; }
step() { printf '\n==> %s\n' "$*"; }

[ "$(id -u)" = 0 ] || fail "it installs packages and services, so it needs root: sudo ./setup.sh"
back=
if [ "${1-}" = --rollback ]; then
  shift
  back=yes MCP_PYTHON=$(readlink -f "$home/venv/bin/python")
else
  MCP_PYTHON=$(roles/requirements/files/requirements.sh "$etc/settings.conf" "$(cat files/settings.conf)" 2>&1) || fail "$MCP_PYTHON"
fi
export MCP_PYTHON

# The reconciler's runs hold the same lock, where nobody else can: who may open a lock's file may hold it for ever.
mkdir -m 0700 "$locks" 2>/dev/null || true
if [ -L "$locks" ] || [ "$(stat -c '%F %U %a' "$locks")" != "directory root 700" ]; then
  fail "$locks holds our locks and is not root's alone ($(stat -c '%F of %U, mode %a' "$locks")); remove it, and run setup.sh again"
fi
umask 077
exec 9>"$locks/run.lock"
umask 022
flock -n 9 || { step "Waiting for a run in progress"; flock -w 1800 9 || fail "a run has been in progress for 30 minutes; see: journalctl -u mcp-reconcile"; }

if [ -n "$back" ]; then
  if ! left=$(readlink -e "$home/current") || ! former=$(readlink -e "$home/previous"); then
    fail "$home holds no former release to go back to"
  fi
  step "Back to $former"
  cd "$former"
  [ ! -e "$etc/reconcile.yml" ] || set -- -e "@$etc/reconcile.yml" "$@" # what is particular to this host
fi

venv=$home/venvs/$(sha256sum <requirements.lock | cut -c1-12)
step "Python environment in $venv"
mkdir -p "$home/venvs"
roles/software/files/make_venv.sh "$venv" requirements.lock 9>&- ||
  fail "the Python packages could not be installed; see pip's last lines above, then run setup.sh again"

step "The site playbook (its log: $log)"
# Nothing in the caller's environment may decide what a host becomes.
unset PYTHONDONTWRITEBYTECODE "${!ANSIBLE_@}"
export ANSIBLE_CONFIG=$PWD/ansible.cfg MCP_TRIGGER=setup
if [ -t 1 ]; then export ANSIBLE_FORCE_COLOR=1; fi
install -m 0640 -g "$(getent group adm >/dev/null && echo adm || echo root)" /dev/null "$log" # it names servers and their errors
set +e
"$venv/bin/ansible-playbook" playbooks/site.yml -i inventory/local "$@" 9>&- 2>&1 | tee "$log"
result=${PIPESTATUS[0]}
set -e

(cd files && "$venv/bin/python" -m monitor.status "$var/state.json" --password-file "$etc/monitor.password") || true
if [ "$result" != 0 ]; then
  fail "$(sed -n 's/^TASK \[\(.*\)\] \**$/at "\1"/p' "$log" | tail -1): $(grep -a '^\[ERROR\]' "$log" | tail -1 | sed 's/^\[ERROR\]: //')"
fi

if [ -n "$back" ]; then
  # A service that only the release left behind has would go on beside the former one.
  for unit in $(grep -lsF "$left/" /etc/systemd/system/mcp-*.service || true); do
    systemctl disable --quiet --now "${unit##*/}"
    rm "$unit"
    systemctl daemon-reload
  done
  for section in $(grep -lsF "$left/" "$var"/supervisor/programs/*.conf || true); do
    rm "$section"
    "$home/venv/bin/supervisorctl" -c "$var/supervisor/supervisord.conf" update
  done
fi
