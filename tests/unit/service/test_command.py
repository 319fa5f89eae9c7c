"""The command of a service reaches its program word by word, whatever the words hold."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from jinja2 import Environment

TEMPLATES = Path(__file__).parents[3] / "roles" / "service" / "templates"
WORDS = ["/opt/a program", "--plain", "", "100%", "$HOME", "two words", "it's"]
VARIABLES = {
    "ansible_managed": "",
    "mcp_var": "/var/lib/mcp",
    "service_name": "mcp-test",
    "service_description": "Test",
    "service_command": WORDS,
    "service_directory": "/",
    "service_user": "root",
    "service_writable": [],
    "service_directives": [],
    "service_reloads": False,
    "service_jit": False,
    "service_sees_users": False,
}


@pytest.mark.parametrize(
    ("file", "key", "escapes"),
    [("program.conf.j2", "command=", ["%"]), ("unit.service.j2", "ExecStart=", ["%", "$"])],
)
def test_every_word_of_a_command_arrives_as_it_is(file: str, key: str, escapes: list[str]) -> None:
    # Ansible's own engine, once imported, makes modules hand their warnings to it, also those that other tests call.
    ours = Environment(trim_blocks=True)  # noqa: S701 - no page of HTML
    ours.filters |= {
        "quote": shlex.quote,
        "comment": lambda text, **_form: text,
        "ternary": lambda is_so, so, not_so: so,
    }
    text = ours.from_string((TEMPLATES / file).read_text()).render(VARIABLES)
    line = next(line for line in text.splitlines() if line.startswith(key)).removeprefix(key)
    for each in escapes:
        line = line.replace(each * 2, each)
    assert shlex.split(line)[-len(WORDS) :] == WORDS
