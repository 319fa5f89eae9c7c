#!/usr/bin/env bash
# ansible-core 2.19.14 (PyPI), seen on Python 3.11.
#
# A task whose template has any filter, be it Jinja's own, makes its process import every filter plugin that there is.
# The main process, from which the processes of all tasks are forked, has not imported them: each task does it anew.
#
# Why it matters: 20 ms of CPU for each task of a play with Ansible's own filters alone, more where a filter imports much.
# Whoever asks the loader for one filter in the main process, say in the body of an action plugin, pays once.
set -euo pipefail
unset PYTHONDONTWRITEBYTECODE "${!ANSIBLE_@}"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ansible-core==2.19.14
mkdir filter_plugins
cat >filter_plugins/unused.py <<'PYTHON'
with open("imports.log", "a") as log:
    log.write("imported\n")


class FilterModule:
    def filters(self):
        return {"unused": lambda value: value}
PYTHON
cat >play.yml <<'YAML'
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {msg: "{{ 'one' | upper }}"}
    - ansible.builtin.debug: {msg: "{{ 'two' | upper }}"}
    - ansible.builtin.debug: {msg: "three"}
YAML
venv/bin/ansible-playbook -i localhost, -c local play.yml >/dev/null
said="three tasks, two of them with a filter of Jinja's; a filter plugin that none uses is imported $(wc -l <imports.log) times"
echo "$said"
expected="three tasks, two of them with a filter of Jinja's; a filter plugin that none uses is imported 2 times"
[ "$said" = "$expected" ] || { echo "this has changed; it was:"; echo "$expected"; exit 1; }
