#!/usr/bin/env python3
"""Writes README.md of every role from its argument specs: python docs/roles.py, or make docs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import yaml

ROLES = Path(__file__).parents[1] / "roles"

Spec = dict[str, Any]
"""One entry point as argument_specs.yml describes it."""


class _Loader(yaml.SafeLoader):
    """Reads what Ansible calls unsafe, which are texts that are no templates to it."""


_Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def entry_points(role: Path) -> dict[str, Spec]:
    """Returns the entry points of a role by the name of their task file, main first."""
    text = (role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    return cast(dict[str, Spec], yaml.load(text, _Loader)["argument_specs"])  # noqa: S506 - it is a SafeLoader


def readme(role: Path) -> str:
    """Returns the text of a role's README.md."""
    parts = [f"# {role.name}"]
    for name, spec in entry_points(role).items():
        if name != "main":
            parts.append(f"## `{name}`")
        parts.append("\n".join(_sentence(text) for text in [spec["short_description"], *_paragraphs(spec)]))
        if options := spec.get("options"):
            rows = [_row(option, described) for option, described in options.items()]
            parts.append("\n".join(["| variable | type | default | meaning |", "| --- | --- | --- | --- |", *rows]))
    parts.append("Written from [meta/argument_specs.yml](meta/argument_specs.yml) by `make docs`.")
    return "\n\n".join(parts) + "\n"


def _row(name: str, option: Spec) -> str:
    kind = f"list of {option['elements']}" if "elements" in option else option["type"]
    choices = option.get("choices")
    default = "required" if option.get("required") else _code(option.get("default", ""))
    meaning = " ".join(_markdown(text) for text in _paragraphs(option))
    if choices:
        meaning += " One of " + ", ".join(f"`{choice}`" for choice in choices) + "."
    return f"| `{name}` | {kind} | {default} | {meaning} |"


def _paragraphs(described: Spec) -> list[str]:
    text = described.get("description", [])
    return [text] if isinstance(text, str) else list(text)


def _sentence(text: str) -> str:
    return _markdown(text).rstrip(".") + "."


def _markdown(text: str) -> str:
    return re.sub(r"C\(([^)]*)\)", r"`\1`", " ".join(text.split()))


def _code(value: Any) -> str:
    if isinstance(value, str):
        text = " ".join(value.split())
    else:
        text = yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("...\n").strip()
    return f"`{text}`".replace("|", r"\|") if text else ""


def main() -> None:
    """Writes the file of every role."""
    for role in sorted(path.parent.parent for path in ROLES.glob("*/meta/argument_specs.yml")):
        (role / "README.md").write_text(readme(role), encoding="utf-8")


if __name__ == "__main__":
    main()
