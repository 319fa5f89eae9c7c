#!/usr/bin/env bash
# kubernetes 35.0.0 (PyPI), seen on Python 3.11.
#
# Whatever is imported of the client, its package imports all of itself first: every API and the more than 700 models,
# also where only the reader of kubeconfig files and the dynamic client are used, which need none of them.
#
# Why it matters: half a second of CPU for each process. Where several processes are forked from one, load it before.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check kubernetes==35.0.0
venv/bin/python - <<'PYTHON'
import sys

import kubernetes.config.kube_config

models = sum(name.startswith("kubernetes.client.models.") for name in sys.modules)
said = f"the reader of kubeconfig files alone: more than 700 modules of models are loaded: {models > 700}"
print(said)
expected = "the reader of kubeconfig files alone: more than 700 modules of models are loaded: True"
sys.exit(None if said == expected else f"this has changed ({models}); it was:\n{expected}")
PYTHON
