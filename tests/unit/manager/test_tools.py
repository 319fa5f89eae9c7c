"""What each tool takes, who may call it, and what a model reads of what cannot be done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import pytest
from manager.tools import TOOLS
from manager.tools.logs import MOST_CHARACTERS
from monitor.access.users import ADMIN, OPERATE, ROLES, VIEW

from tests.unit.manager.assistant import BY_NAME, Assistant, text_of
from tests.unit.monitor import samples
from tests.unit.records.kept import keep, line

CANARY = "canary-2c61"
NEEDS: dict[str, tuple[str, dict[str, Any]]] = {
    "docker_list_servers": (VIEW, {}),
    "docker_get_server_status": (VIEW, {"server_name": "time"}),
    "explain_server": (VIEW, {"server_name": "time"}),
    "docker_get_logs": (VIEW, {"server_name": "time"}),
    "list_runs": (VIEW, {}),
    "docker_start_server": (OPERATE, {"server_name": "time"}),
    "docker_stop_server": (OPERATE, {"server_name": "time"}),
    "docker_restart_server": (OPERATE, {"server_name": "time"}),
    "sync": (OPERATE, {}),
    "check_config": (OPERATE, {"server_name": "new", "entry": {"command": "npx", "args": ["x"]}}),
    "docker_create_server": (ADMIN, {"server_type": "clock@1", "server_name": "new"}),
    "docker_delete_server": (ADMIN, {"server_name": "time"}),
}
"""The scope that each tool needs, and a call of it."""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "requests").mkdir()
    return tmp_path


@pytest.mark.parametrize("scope", ROLES)
@pytest.mark.parametrize("name", BY_NAME)
def test_a_token_may_call_the_tools_of_its_scope_alone(site: Path, name: str, scope: str) -> None:
    needed, arguments = NEEDS[name]
    result = Assistant(site, scope).call(name, **arguments)
    if ROLES.index(scope) < ROLES.index(needed):
        assert result.is_error
        assert f"needs the scope {needed}" in text_of(result)
        assert not list((site / "requests").iterdir())
    else:
        assert not result.is_error, text_of(result)
        jsonschema.Draft202012Validator(BY_NAME[name].listed().output_schema or {}).validate(result.structured_content)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_tool_has_schemas_that_stand_alone_and_says_whether_it_changes_anything(tool: Any) -> None:
    listed = tool.listed()
    for schema in (listed.input_schema, listed.output_schema):
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
    assert "components" not in str(listed.output_schema)
    assert "'type': [" not in str(listed.output_schema)  # some clients know no list of types
    assert listed.annotations.read_only_hint == (NEEDS[tool.name][0] == VIEW or tool.name == "check_config")
    assert not listed.annotations.destructive_hint or tool.name in ("docker_stop_server", "docker_delete_server")


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("docker_get_logs", {}, "arguments.server_name is missing"),
        ("docker_get_logs", {"server_name": "time", "lines": 100_000}, "arguments.lines is more than 1000"),
        ("docker_get_logs", {"server_name": "../x"}, "arguments.server_name is not a server's name"),
        ("docker_get_logs", {"server_name": "time", "since": "soon"}, "query.since"),
        ("docker_list_servers", {"status": "down"}, "arguments.status is not one of"),
        ("docker_list_servers", {"limit": 7}, "arguments.limit is unknown; known are status, server_type"),
        ("docker_get_server_status", {"server_name": "nobody"}, "knew no server nobody"),
        ("check_config", {"server_name": "new"}, "Give server_name and entry together"),
    ],
)
def test_a_model_reads_what_is_wrong_and_where(site: Path, name: str, arguments: dict[str, Any], says: str) -> None:
    result = Assistant(site, ADMIN).call(name, **arguments)
    assert result.is_error
    assert says.lower() in text_of(result).lower()


@pytest.mark.parametrize("values", [{"TOKEN": {"x": CANARY}}, [CANARY], CANARY])
def test_what_is_wrong_with_a_variable_is_said_without_its_value(site: Path, values: Any) -> None:
    arguments = {"server_type": "clock@1", "server_name": "new", "env_vars": values}
    result = Assistant(site, ADMIN).call("docker_create_server", **arguments)
    assert result.is_error
    assert "arguments.env_vars" in text_of(result)
    assert CANARY not in str(result)


def test_a_new_servers_variables_are_asked_for_and_not_told(site: Path) -> None:
    arguments = {"server_type": "clock@1", "server_name": "new", "env_vars": f'{{"TOKEN": "{CANARY}"}}'}
    result = Assistant(site, ADMIN).call("docker_create_server", **arguments)
    assert not result.is_error
    assert CANARY not in str(result)
    (asked,) = (site / "requests").iterdir()
    assert CANARY in asked.read_text()


def test_of_a_long_log_the_newest_lines_are_told(site: Path) -> None:
    texts = [f"{number} {'x' * 1000}" for number in range(500)]
    keep(site / "logs", "time", b"".join(line(number, text) for number, text in enumerate(texts)))
    answer = Assistant(site, VIEW).call("docker_get_logs", server_name="time", lines=500).structured_content
    assert answer is not None
    assert answer["lines"][-1]["text"] == texts[-1]
    assert sum(len(each["text"]) for each in answer["lines"]) <= MOST_CHARACTERS
    assert not answer["whole"]


def test_a_server_type_is_a_template_as_in_a_creation(site: Path) -> None:
    state = samples.state([samples.server("a", template="clock@1"), samples.server("b", template="notes@1")])
    (site / "state.json").write_text(json.dumps(state))
    answer = Assistant(site, VIEW).call("docker_list_servers", server_type="clock").structured_content
    assert answer is not None
    assert [each["name"] for each in answer["servers"]] == ["a"]


def test_an_api_that_does_not_answer_is_said(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assistant = Assistant(site, VIEW)
    monkeypatch.setattr(assistant, "_answer", _broken)
    result = assistant.call("docker_list_servers")
    assert result.is_error
    assert "does not answer" in text_of(result)


def _broken(request: Any) -> Any:
    raise httpx2.ConnectError("refused", request=request)


def test_lines_are_told_as_they_come_and_the_last_of_them_in_the_end(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assistant = Assistant(site, VIEW)
    events = [[f"{number}" for number in range(60)], ["60"]]
    told = [[{"time": "t", "text": text} for text in texts] for texts in events]
    stream = ": nothing yet\n\n" + "".join(f"event: lines\ndata: {json.dumps(each)}\n\n" for each in told)
    monkeypatch.setattr(assistant, "_answer", lambda _request: httpx2.Response(200, text=stream))
    answer = assistant.call("docker_get_logs", server_name="time", lines=50, follow=True).structured_content
    assert answer is not None
    assert [each["text"] for each in answer["lines"]] == [f"{number}" for number in range(11, 61)]
    assert not answer["whole"]
    assert [progress for progress, _text in assistant.told] == [60, 61]
    assert assistant.told[1][1] == "t 60"
