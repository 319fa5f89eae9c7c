#!/bin/sh
# after_run.sh SETTINGS ENDED NOTIFIER... : COMMAND...: do a run, and then what mcp-reconcile.service does after it under
# systemd.
#
# Notes in the file ENDED how COMMAND ended, starts NOTIFIER, of words without blanks, where [notify] urls of SETTINGS is
# not empty, and waits for nothing of it. Exits as COMMAND does.
set -u
settings=$1 ended=$2 notifier=
shift 2
while [ "$1" != : ]; do
  notifier="$notifier $1"
  shift
done
shift

"$@"
code=$?

case $code in
  0) result=success ;;
  124 | 137) result=timeout ;; # as timeout(1) ends it
  *) result=exit-code ;;
esac
echo "$result" >"$ended" || true
if grep -Pzqs '(?m)^urls[ \t]*[=:]([ \t]*|\s*\n[ \t]+)[^\s#;]' "$settings"; then
  # shellcheck disable=SC2086 # its words have no blanks
  timeout -k 5 60 $notifier &
fi
exit "$code"
