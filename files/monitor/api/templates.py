"""The templates from which a server can be made: the files of templates/ beside the settings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from monitor.access.users import VIEW
from monitor.api.operation import Call, Operation, Parameter, Reply
from monitor.api.problem import UNKNOWN, Problem
from monitor.api.shape import ref

LARGEST = 256 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)


def _all(folder: Path) -> Iterator[dict[str, Any]]:
    """Yields the templates in the order of their names; what is none is left out, as the config's reader says why."""
    try:
        files = sorted(each for each in folder.iterdir() if each.suffix == ".json" and _NAME.fullmatch(each.stem))
    except OSError:
        return
    for file in files:
        try:
            with file.open("rb") as stream:
                yield _template(file.stem, json.loads(stream.read(LARGEST)))
        except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
            continue


def _template(name: str, found: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "description": str(found.get("description", "")),
        "capabilities": [str(each) for each in found.get("capabilities", ())],
        "versions": [
            {
                "template": f"{name}@{number}",
                "image": version.get("image"),
                "command": version.get("command"),
                "required_env": {key: str(meaning) for key, meaning in version.get("required_env", {}).items()},
            }
            for number, version in found["versions"].items()
        ],
    }


def _templates(call: Call) -> Reply:
    return Reply({"templates": list(_all(call.sources.templates))})


def _one(call: Call) -> Reply:
    name = call.values["name"]
    found = next((each for each in _all(call.sources.templates) if each["name"] == name), None)
    if found is None:
        raise Problem(UNKNOWN, f"There is no template {name}; GET /templates lists those that there are")
    return Reply(found)


TEMPLATES = (
    Operation(
        "listTemplates",
        "GET",
        "/templates",
        VIEW,
        "The types of servers that one can be made from.",
        _templates,
        ref("template_list"),
    ),
    Operation(
        "getTemplate",
        "GET",
        "/templates/{name}",
        VIEW,
        "A type of server: its versions, and what each needs.",
        _one,
        ref("template"),
        parameters=(
            Parameter(
                "name",
                {"type": "string", "pattern": f"^{_NAME.pattern}$", "description": "A template's name."},
                "The template's name.",
                place="path",
                required=True,
            ),
        ),
        problems=(404,),
    ),
)
