"""The configuration for Alloy, by the grammar and the arguments that its documentation names.

Alloy itself is in none of the package registries that can be reached here, nor is a parser of its syntax.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from lark import Lark, Token, Transformer, UnexpectedInput

TEMPLATES = Path(__file__).parents[3] / "roles/observability/templates"
# https://grafana.com/docs/alloy/latest/get-started/configuration-syntax/syntax/: a statement ends with its line.
GRAMMAR = r"""
start: _NL* (block _NL+)*
block: name [STRING] "{" _NL* [_statement (_NL+ _statement)*] _NL* "}"
_statement: attribute | block
attribute: CNAME "=" _value
_value: STRING | NUMBER | list | object | name
list: "[" _NL* [_value ("," _NL* _value)* [","] _NL*] "]"
object: "{" _NL* [field ("," _NL* field)* [","] _NL*] "}"
field: (CNAME | STRING) "=" _value
name: CNAME ("." CNAME)*
STRING: /"(?:[^"\\\n]|\\\\|\\[abfnrtv"]|\\u[0-9a-f]{4})*"/
COMMENT: /\/\/[^\n]*/
_NL: /\n/
%import common.CNAME
%import common.NUMBER
%ignore /[ \t]+/
%ignore COMMENT
"""
RULE = ({}, {"source_labels", "regex", "target_label", "replacement", "action"}, {})
# Of what is used here: the arguments that must be there, those that may, and the blocks.
# https://grafana.com/docs/alloy/latest/reference/components/
COMPONENTS: dict[str, Any] = {
    "discovery.http": ({"url"}, {"refresh_interval"}, {"authorization": (set(), {"type", "credentials_file"}, {})}),
    "discovery.docker": ({"host"}, set(), {"filter": ({"name", "values"}, set(), {})}),
    "discovery.relabel": ({"targets"}, set(), {"rule": RULE}),
    "local.file_match": ({"path_targets"}, set(), {}),
    "loki.source.file": ({"targets", "forward_to"}, set(), {}),
    "loki.source.docker": ({"host", "targets", "forward_to"}, set(), {}),
    "loki.source.journal": ({"forward_to"}, {"relabel_rules"}, {}),
    "loki.relabel": ({"forward_to"}, set(), {"rule": RULE}),
    "loki.write": (set(), set(), {"endpoint": ({"url"}, set(), {})}),
    "loki.process": (
        {"forward_to"},
        set(),
        {
            "stage.label_drop": ({"values"}, set(), {}),
            "stage.regex": ({"expression"}, set(), {}),
            "stage.timestamp": ({"source", "format"}, set(), {}),
            "stage.labels": ({"values"}, set(), {}),
            "stage.structured_metadata": ({"values"}, set(), {}),
            "stage.output": ({"source"}, set(), {}),
        },
    ),
}
EXPORTS = {
    "discovery.http": "targets", "discovery.docker": "targets", "discovery.relabel": "output",
    "local.file_match": "targets", "loki.process": "receiver", "loki.relabel": "rules", "loki.write": "receiver",
}  # fmt: skip


@dataclass(frozen=True)
class Block:
    """``label`` is None for one that is in another."""

    name: str
    label: str | None
    attributes: dict[str, Any]
    blocks: list[Block]


class Blocks(Transformer[Token, list[Block]]):
    """What was parsed, as blocks; a name in a value is a tuple of its parts."""

    start = list
    list = list
    object = dict
    field = tuple
    attribute = tuple

    def name(self, parts: list[Token]) -> tuple[str, ...]:
        return tuple(map(str, parts))

    def block(self, parts: list[Any]) -> Block:
        (kind, label, *body) = parts
        statements = [each for each in body if each is not None]
        attributes = [each for each in statements if isinstance(each, tuple)]
        assert len(dict(attributes)) == len(attributes), f"{kind}: twice the same"
        blocks = [each for each in statements if isinstance(each, Block)]
        return Block(".".join(kind), label and label.strip('"'), dict(attributes), blocks)


PARSER = Lark(GRAMMAR, parser="earley")


def parsed(text: str) -> list[Block]:
    found: list[Block] = Blocks().transform(PARSER.parse(text))
    return found


def rendered(logs_from: str) -> str:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True)  # noqa: S701
    environment.filters["comment"] = lambda text, style: f"// {text}"
    return (
        environment.get_template("config.alloy.j2").render(
            ansible_managed="managed",
            mcp_monitor_user="mcp-monitor",
            observability_logs_from=logs_from,
            observability_monitor="http://127.0.0.1:8482/monitor",
            observability_loki="http://127.0.0.1:3100/loki/api/v1/push",
            __observability_token="/var/lib/token",
        )
        + "\n"
    )


def complaints(block: Block, known: Any) -> Iterator[str]:
    """What its documentation does not say of a block."""
    required, allowed, blocks = known
    there = block.attributes.keys()
    yield from (f"{block.name}: {name} is missing" for name in sorted(set(required) - there))
    yield from (f"{block.name}: {name} is not known" for name in sorted(there - set(required) - set(allowed)))
    for each in block.blocks:
        if each.name not in blocks:
            yield f"{block.name}: the block {each.name} is not known"
        else:
            yield from complaints(each, blocks[each.name])


def names(value: Any) -> Iterator[tuple[str, ...]]:
    """The names in a value."""
    if isinstance(value, tuple):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from names(each)


@pytest.mark.parametrize("logs_from", ["files", "docker"])
def test_it_follows_the_grammar_and_has_the_arguments_that_are_documented(logs_from: str) -> None:
    blocks = parsed(rendered(logs_from))
    assert len({(each.name, each.label) for each in blocks}) == len(blocks) >= 5
    assert all(each.label for each in blocks)
    assert [what for each in blocks for what in complaints(each, COMPONENTS[each.name])] == []


@pytest.mark.parametrize("logs_from", ["files", "docker"])
def test_what_a_component_names_is_there(logs_from: str) -> None:
    blocks = parsed(rendered(logs_from))
    exported = {f"{each.name}.{each.label}.{EXPORTS[each.name]}" for each in blocks if each.name in EXPORTS}
    inner = [below for each in blocks for below in each.blocks]
    named = {
        ".".join(name) for each in (*blocks, *inner) for value in each.attributes.values() for name in names(value)
    }
    assert named - exported <= {"constants.hostname"}
    assert len(named) >= 4


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("forward_to = [loki.write.loki.receiver]", "forward_to = [loki.write.loki.receiver"),
        ('source = "time"', 'source = time"'),
        ('regex         = "mcp-.*"', r'regex         = "mcp-\.*"'),
        ('source = "time"\n', 'source = "time" '),
    ],
)
def test_a_mistake_is_found(before: str, after: str) -> None:
    text = rendered("files")
    assert before in text
    with pytest.raises(UnexpectedInput):
        parsed(text.replace(before, after))


def test_an_argument_that_is_not_known_or_is_missing_is_found() -> None:
    (block,) = parsed('loki.source.journal "mcp" {\n  relable_rules = loki.relabel.mcp.rules\n}\n')
    found = list(complaints(block, COMPONENTS[block.name]))
    assert found == [
        "loki.source.journal: forward_to is missing",
        "loki.source.journal: relable_rules is not known",
    ]


def test_the_labels_are_those_that_are_promised() -> None:
    docker = rendered("docker")
    for label in ("container_name", "mcp_type", "server", "fleet", "host"):
        assert f'"{label}"' in docker
    assert "targets?of=logs" in rendered("files")
