"""What a server was like when it was right: what it lists, and how it answered."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from verify.outcome import error_of, plain
from verify.session import Session, list_prompts, list_resources, list_templates, list_tools
from verify.shape import merged, shape_of
from verify.verdict import CaseResult
from verify.written import replace_file

VERSION = 1
FOLDER = "baseline"
_DERIVED = ("text",)
# What a server lists is compared as such.
_LISTED = ("initialize", "list_tools", "list_resources", "list_prompts")


class BaselineUnusable(Exception):
    """A baseline that cannot be read; the text says how to have another one."""


async def surface_of(session: Session) -> dict[str, Any]:
    """What the server of an open session says of itself and lists, by names, as the protocol writes it."""
    client = session.client
    can = client.server_capabilities
    opening = session.opening.document
    return {
        "server": opening.get("serverInfo", {}),
        "protocol": opening["protocolVersion"],
        "capabilities": opening["capabilities"],
        "tools": _by((await list_tools(client)).tools, "name") if can.tools else {},
        "resources": _by((await list_resources(client)).resources, "uri") if can.resources else {},
        "templates": await _templates(session) if can.resources else {},
        "prompts": _by((await list_prompts(client)).prompts, "name") if can.prompts else {},
    }


async def _templates(session: Session) -> dict[str, Any]:
    try:
        return _by((await list_templates(session.client)).resource_templates, "uriTemplate")
    except Exception as problem:
        error = error_of(problem)
        if error is None or error.kind != "method_not_found":
            raise
        return {}


def _by(models: Iterable[Any], key: str) -> dict[str, Any]:
    return {each[key]: each for each in map(plain, models)}


def answers_of(results: Iterable[CaseResult]) -> dict[str, Any]:
    """How each step was answered over all tries of its case: kinds of errors with how often, shape, and seconds."""
    found: dict[str, Any] = {}
    for result in results:
        for record in result.tries:
            for done in record.done:
                if done.place.startswith("teardown"):
                    continue
                key = f"{result.file}: {result.case} ({result.protocol}): {done.place} {done.title}"
                kind = done.outcome.error.kind if done.outcome.error else "none"
                document = {name: each for name, each in done.outcome.document.items() if name not in _DERIVED}
                seen = found.setdefault(key, {"errors": {}, "shapes": {}, "seconds": []})
                seen["errors"][kind] = seen["errors"].get(kind, 0) + 1
                if done.title not in _LISTED:
                    shape = shape_of(document)
                    seen["shapes"][kind] = merged(seen["shapes"][kind], shape) if kind in seen["shapes"] else shape
                seen["seconds"].append(round(done.outcome.seconds, 4))
    return found


def latency_of(seconds: Iterable[float]) -> tuple[float, float, float]:
    """The fastest, the middle and the slowest."""
    times = sorted(seconds)
    return times[0], statistics.median(times), times[-1]


def baseline_path(folder: Path, server: str) -> Path:
    """Where the baseline of a server is, beside the files of a folder."""
    return folder / FOLDER / f"{server}.json"


def read_baseline(path: Path) -> dict[str, Any] | None:
    """The baseline at a path; None where none was recorded. Raises BaselineUnusable."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        if given["version"] != VERSION or not all(isinstance(given[key], dict) for key in ("surface", "answers")):
            raise ValueError(f"version {given['version']}")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = f"{path} is no baseline of this release ({error}); record it anew (make verify-baseline), or remove it"
        raise BaselineUnusable(said) from error
    else:
        return dict(given)


def write_baseline(path: Path, surface: Mapping[str, Any], answers: Mapping[str, Any]) -> None:
    """Writes a baseline, in the place of an earlier one. Raises OSError."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    given = {"version": VERSION, "surface": surface, "answers": answers}
    replace_file(path, json.dumps(given, indent=1, sort_keys=True, ensure_ascii=False) + "\n", 0o644)
