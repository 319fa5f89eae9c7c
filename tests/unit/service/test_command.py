"""The command of a service reaches its program word by word, whatever the words hold."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

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
    templar = Templar(DataLoader(), variables=VARIABLES)
    text = str(templar.template(trust_as_template((TEMPLATES / file).read_text())))
    line = next(line for line in text.splitlines() if line.startswith(key)).removeprefix(key)
    for each in escapes:
        line = line.replace(each * 2, each)
    assert shlex.split(line)[-len(WORDS) :] == WORDS
