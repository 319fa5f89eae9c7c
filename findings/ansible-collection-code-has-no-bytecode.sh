#!/usr/bin/env bash
# ansible-core 2.19.14 (PyPI), seen on Python 3.11.
#
# The loader of collections compiles the Python files of a collection anew in every process that imports them: it neither
# writes a __pycache__ nor reads one that is there. Python's own import of the same files does both.
#
# Why it matters: ansible-playbook forks a process for each task, so an action plugin that imports much of its collection
# pays for the compilation again in each task, unless it does so before the fork: in its file's own body, which the main
# process loads first.
set -euo pipefail
unset PYTHONDONTWRITEBYTECODE
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ansible-core==2.19.14
plugins=ansible_collections/seen/once/plugins
mkdir -p "$plugins/module_utils"
echo 'ANSWER = 42' >"$plugins/module_utils/answer.py"

cat >load.py <<'PYTHON'
import builtins, sys

name = "ansible_collections.seen.once.plugins.module_utils.answer"
if sys.argv[1] == "ansible":
    from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

    _AnsibleCollectionFinder(paths=[sys.argv[2]])._install()
else:
    sys.path.insert(0, sys.argv[2])
compiled = []
original = builtins.compile


def seen(source, filename, *arguments, **options):
    compiled.append(str(filename))
    return original(source, filename, *arguments, **options)


builtins.compile = seen
assert __import__(name, fromlist=["ANSWER"]).ANSWER == 42
builtins.compile = original
print(sum(each.endswith("answer.py") for each in compiled))
PYTHON

cached() { find "$plugins" -name 'answer.*.pyc' | wc -l; }
said="the loader of collections compiles: $(venv/bin/python load.py ansible "$folder"), then $(venv/bin/python load.py ansible "$folder"); "
said+="files in the cache: $(cached)"
venv/bin/python load.py python "$folder" >/dev/null
said+="
after an import by Python alone, files in the cache: $(cached); the loader compiles: $(venv/bin/python load.py ansible "$folder")"
echo "$said"
expected="the loader of collections compiles: 1, then 1; files in the cache: 0
after an import by Python alone, files in the cache: 1; the loader compiles: 1"
[ "$said" = "$expected" ] || { echo "this has changed; it was:"; echo "$expected"; exit 1; }
