"""Prints the create bodies of stdio servers as the release at PROJECT makes them, one JSON object a line.

Usage: bodies.py PROJECT RUNTIME, with a line NAME IMAGE PORT COMMAND (JSON) for each server on the standard input.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

UTILS = "ansible_collections.mcp.orchestrator.plugins.module_utils"


def main() -> None:
    """Composes what it is asked for, with the code of the release."""
    project, runtime = Path(sys.argv[1]), sys.argv[2]
    sys.path.insert(0, str(project / "collections"))
    package = project / "collections" / UTILS.replace(".", "/") / "container"
    composing = "container_body" if (package / "container_body.py").exists() else "composition"
    compose = importlib.import_module(f"{UTILS}.container.{composing}").compose
    image_class = importlib.import_module(f"{UTILS}.container.world").Image
    policy = importlib.import_module(f"{UTILS}.container.policy").Policy("bench", bridge=runtime)
    spec_class = importlib.import_module(f"{UTILS}.config.spec").Spec
    for line in sys.stdin:
        asked: dict[str, Any] = json.loads(line)
        name = asked["name"]
        about = {"image": asked["image"], "transport": "stdio", "path": f"/mcp/{name}", "tmpfs": ("/tmp",)}
        about |= {"health_path": f"/mcp/{name}/health", "command": tuple(asked["command"]), "entrypoint": ()}
        spec = spec_class.from_dict({"name": name, **about}).with_generation()
        print(json.dumps(compose(spec, image_class(asked["image"]), policy, asked["port"])), flush=True)


if __name__ == "__main__":
    main()
