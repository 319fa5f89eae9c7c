"""The README's IAM policy: neither less than the module needs nor more."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import botocore.session
from botocore import xform_name

PROJECT = Path(__file__).parents[3]
PLUGINS = PROJECT / "collections/ansible_collections/mcp/orchestrator/plugins"


def operations() -> dict[str, str]:
    """Every operation of Elastic Load Balancing as boto3 and as IAM write it."""
    model = botocore.session.get_session().get_service_model("elbv2")
    return {xform_name(name): name for name in model.operation_names}


def called() -> set[str]:
    """The operations that the module's sources name."""
    known = operations()
    sources = [
        *sorted((PLUGINS / "module_utils/alb").glob("*.py")),
        *sorted((PLUGINS / "modules").glob("mcp_alb_*.py")),
    ]
    strings = {
        node.value
        for source in sources
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {known[text] for text in strings if text in known}


def allowed() -> set[str]:
    """The actions of the README's policy."""
    (text,) = re.findall(r'```json\n(\{\n  "Version": .*?\n\})\n```', (PROJECT / "README.md").read_text(), re.DOTALL)
    return {
        action.removeprefix("elasticloadbalancing:")
        for statement in json.loads(text)["Statement"]
        for action in statement["Action"]
    }


def test_the_policy_allows_what_the_module_calls_and_nothing_else() -> None:
    assert allowed() == called()


def test_the_module_documents_every_action() -> None:
    documentation = (PLUGINS / "modules/mcp_alb_route.py").read_text()
    changing = {name for name in called() if not name.startswith("Describe")}
    assert {name for name in changing if name not in documentation} == set()
