"""A module says the same whether it runs in Ansible's own process or travels, as on a host that ssh reaches."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PLUGINS = PROJECT / "collections/ansible_collections/mcp/orchestrator/plugins"
CONFIG = {
    "mcpServers": {
        "time": {"command": "docker", "args": ["run", "-i", "mcp-sample/time:1"], "env": {"ZONE": "${MCP_TEST_ZONE}"}},
        "broken": {"command": "docker", "args": ["run", "--privileged", "x"]},
    }
}
# A module with everything that ours do not have, or not always: what Ansible makes of a module's result and arguments.
SPOKEN = "mcp_spoken"
MODULE = """
DOCUMENTATION = "module: mcp_spoken"
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import ModuleError, run_module

ARGUMENT_SPEC = {
    "word": {"type": "str", "aliases": ["text"],
             "deprecated_aliases": [{"name": "wort", "version": "9.0.0", "collection_name": "mcp.orchestrator"}]},
    "secret": {"type": "str", "no_log": True},
    "old": {"type": "bool", "removed_in_version": "9.0.0", "removed_from_collection": "mcp.orchestrator"},
    "end": {"type": "str", "choices": ["well", "wrong", "broken"], "default": "well"},
}

def run(arguments, check_mode):
    if arguments["end"] == "wrong":
        raise ModuleError("it went wrong", errors=[{"server": None, "message": arguments["secret"] or "it"}])
    if arguments["end"] == "broken":
        raise KeyError(arguments["secret"])
    return {"changed": True, "check": check_mode, "said": arguments["word"], "told": [arguments["secret"], None, True],
            "diff": {"before": "a\\n", "after": "b\\n"}, "warnings": ["a warning", "another"]}

if __name__ == "__main__":
    run_module(run, ARGUMENT_SPEC)
"""
NOBODY = {"endpoint_url": "http://127.0.0.1:9", "credentials_file": "{folder}/none.credentials"}
ROUTES = {"settings": "{folder}/settings.conf", "monitor_port": 1, "local_alb": NOBODY}
TASKS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "a config": ("mcp_config_info", {"config": ["{folder}/mcp.config.json"]}, {}),
    "requests, where an option is none": ("mcp_request", {"directory": "{folder}", "config": [], "colour": "blue"}, {}),
    "a config whose variable the task sets": (
        "mcp_config_info",
        {"config": ["{folder}/mcp.config.json"]},
        {"environment": {"MCP_TEST_ZONE": "UTC"}},
    ),
    "an option that there is not": ("mcp_config_info", {"config": [], "colour": "blue"}, {}),
    "a value of the wrong type": ("mcp_container", {"servers": [], "port_range_start": "high"}, {}),
    "an engine that does not answer": (
        "mcp_container",
        {"servers": [], "docker_host": "unix:///nowhere.sock", "config": ["{folder}/mcp.config.json"]},
        {},
    ),
    "an engine that does not answer, looked at": ("mcp_container_info", {"docker_host": "unix:///nowhere.sock"}, {}),
    "images without an engine": (
        "mcp_image",
        {"servers": [], "templates": "{folder}", "docker_host": "unix:///nowhere.sock", "rebuild": ["*"]},
        {},
    ),
    "routes without a load balancer": (
        "mcp_route",
        {**ROUTES, "node_router": {**NOBODY, "port": 2, "health_path": "/health"}},
        {"environment": {"AWS_EC2_METADATA_DISABLED": "true"}},
    ),
    "routes of a settings file that names no load balancer": (
        "mcp_alb_route",
        {"settings": "{folder}/settings.conf", "routes": []},
        {},
    ),
    "a listener that cannot be looked at": (
        "mcp_alb_route_info",
        {
            "listener_arn": "arn:aws:elasticloadbalancing:us-east-1:1:listener/app/a/b/c",
            **NOBODY,
            "region": "us-east-1",
        },
        {"environment": {"AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}},
    ),
    "a server that does not answer, asked with a secret": (
        "mcp_probe_info",
        {
            "endpoints": [
                {"name": "time", "url": "http://127.0.0.1:9/mcp", "headers": {"Authorization": "a-secret-value"}}
            ],
            "timeout": 1,
            "deadline": 2,
        },
        {},
    ),
    "warnings and a diff": (SPOKEN, {"word": "hello"}, {"diff": True}),
    "check mode": (SPOKEN, {"word": "hello"}, {"check_mode": True}),
    "a secret in what it says": (SPOKEN, {"word": "x a-secret-value x", "secret": "a-secret-value"}, {}),
    "a task that logs nothing": (SPOKEN, {"word": "a-secret-value"}, {"no_log": True}),
    "an option that is going to be removed": (SPOKEN, {"old": True}, {}),
    "an alias that is going to be removed": (SPOKEN, {"wort": "hello"}, {}),
    "an option beside its alias": (SPOKEN, {"word": "a", "text": "b"}, {}),
    "a value that is no choice": (SPOKEN, {"end": "somehow"}, {}),
    "a failure": (SPOKEN, {"end": "wrong", "secret": "a-secret-value"}, {}),
    "a fault of the module": (SPOKEN, {"end": "broken", "secret": "a-secret-value"}, {}),
    "a state": (
        "mcp_state",
        {"path": "{folder}/state.json", "started": "2026-01-01T00:00:00Z", "run_id": "1"},
        {"check_mode": True},
    ),
    "a LiteLLM whose settings are missing": (
        "mcp_litellm",
        {"settings": "{folder}/none.conf", "memory": "{folder}/litellm.json", "public_url": "http://lb"},
        {},
    ),
    "a fleet for a cluster, of which one server is wrong and the settings too": (
        "mcp_kubernetes_manifest",
        {
            "path": "{folder}/k8s",
            "config": ["{folder}/mcp.config.json"],
            "settings": "{folder}/settings.conf",
            "docker_host": "unix:///nowhere.sock",
        },
        {"check_mode": True},
    ),
    "a cluster that no kubeconfig names": ("mcp_workload", {"servers": [], "settings": "{folder}/settings.conf"}, {}),
    "target groups without a cluster": (
        "mcp_target_group_binding",
        {"endpoints": [], "routes": [], "settings": "{folder}/settings.conf"},
        {},
    ),
    "an administrator's kubeconfig that is missing": (
        "mcp_kubernetes_access",
        {"settings": "{folder}/settings.conf", "kubeconfig": "{folder}/none.conf"},
        {},
    ),
    "a client's config without a state": (
        "mcp_client_config",
        {"path": "{folder}/c.json", "config": ["{folder}/mcp.config.json"], "state": "{folder}/none.json"},
        {},
    ),
}


def _filled(value: Any, folder: Path) -> Any:
    return json.loads(json.dumps(value).replace("{folder}", str(folder)))


def _task(number: int, folder: Path, more: Mapping[str, Any]) -> dict[str, Any]:
    module, arguments, options = _filled(list(TASKS.values())[number], folder)
    return {
        f"mcp.orchestrator.{module}": {key: value for key, value in arguments.items() if value is not None},
        "register": f"result_{number}",
        "ignore_errors": True,
        **options,
        **more,
    }


def _untimed(value: Any) -> Any:
    """A result without when something was, and how long it took."""
    if isinstance(value, dict):
        passing = ("checked", "latency_ms", "started", "finished", "seconds")
        return {key: _untimed(each) for key, each in value.items() if key not in passing}
    return [_untimed(each) for each in value] if isinstance(value, list) else value


def _results(folder: Path, more: Mapping[str, Any], *options: str) -> tuple[dict[str, Any], str]:
    """The results of all tasks, in the words of their rows, and what the play printed."""
    told = {name: f"result_{number}" for number, name in enumerate(TASKS)}
    content = "{{ {" + ", ".join(f"{name!r}: {variable}" for name, variable in told.items()) + "} | to_json }}"
    tasks = [
        *(_task(number, folder, more) for number in range(len(TASKS))),
        {"ansible.builtin.copy": {"content": content, "dest": str(folder / "results.json")}, "check_mode": False},
    ]
    printed = _played(folder, tasks, *options)
    return json.loads((folder / "results.json").read_text()), printed


def _played(folder: Path, tasks: list[dict[str, Any]], *options: str) -> str:
    """What a play of these tasks prints."""
    play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
    (folder / "play.json").write_text(json.dumps([play]))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE")}
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            *("-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}", *options),
            str(folder / "play.json"),
        ],
        cwd=PROJECT,
        env={**environment, "ANSIBLE_NOCOLOR": "1", "HOME": str(folder), "ANSIBLE_COLLECTIONS_PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("in_process")
    (made / "mcp.config.json").write_text(json.dumps(CONFIG))
    (made / "settings.conf").write_text("[routes]\nwait_timeout = 1\n")
    plugins = made / "ansible_collections/mcp/orchestrator/plugins"
    shutil.copytree(PLUGINS, plugins, ignore=shutil.ignore_patterns("__pycache__"))
    (plugins.parent / "meta").mkdir()
    shutil.copy(PLUGINS.parent / "meta/runtime.yml", plugins.parent / "meta")
    (plugins / f"modules/{SPOKEN}.py").write_text(MODULE)
    shutil.copy(plugins / "action/mcp_state.py", plugins / f"action/{SPOKEN}.py")
    return made


@pytest.fixture(scope="module")
def at_home(folder: Path) -> tuple[dict[str, Any], str]:
    return _results(folder, {}, "-vvv")


@pytest.fixture(scope="module")
def travelled(folder: Path) -> tuple[dict[str, Any], str]:
    # A task with a timeout is one of those that need a process of their own.
    return _results(folder, {"timeout": 120}, "-vvv")


def test_every_module_is_among_the_tasks() -> None:
    assert {module for module, _arguments, _options in TASKS.values()} == {
        SPOKEN,
        *(path.stem for path in (PLUGINS / "modules").glob("mcp_*.py")),
    }


def test_modules_run_where_ansible_does(at_home: tuple[dict[str, Any], str]) -> None:
    assert at_home[1].count("in this process") == len(TASKS)


def test_modules_travel_where_a_task_asks_for_what_a_process_of_its_own_gives(
    travelled: tuple[dict[str, Any], str],
) -> None:
    assert "in this process" not in travelled[1]


def test_a_task_for_another_user_gets_a_process_of_its_own(folder: Path) -> None:
    spoken = {f"mcp.orchestrator.{SPOKEN}": {"word": "hello"}}
    printed = _played(folder, [{**spoken, "become": True, "become_method": "ansible.builtin.su"}], "-vvv")
    assert (printed.count("said: hello"), printed.count("in this process")) == (1, 0)


@pytest.mark.parametrize("name", list(TASKS))
def test_a_module_says_the_same_both_ways(
    name: str, at_home: tuple[dict[str, Any], str], travelled: tuple[dict[str, Any], str]
) -> None:
    assert _untimed(at_home[0][name]) == _untimed(travelled[0][name])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("warnings and a diff", {"warnings": ["a warning", "another"], "diff": {"before": "a\n", "after": "b\n"}}),
        ("check mode", {"check": True}),
        ("a secret in what it says", {"told": ["VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", None, True]}),
        ("an option beside its alias", {"said": "b"}),
        ("a failure", {"failed": True, "msg": "it went wrong"}),
    ],
)
def test_what_is_compared_is_there(name: str, told: dict[str, Any], at_home: tuple[dict[str, Any], str]) -> None:
    assert told.items() <= at_home[0][name].items()


def test_deprecations_and_a_fault_are_told(at_home: tuple[dict[str, Any], str]) -> None:
    results = at_home[0]
    for name in ("an option that is going to be removed", "an alias that is going to be removed"):
        assert results[name]["deprecations"]
    assert "unexpected KeyError" in results["a fault of the module"]["msg"]
    assert "exception" in results["a fault of the module"]


def test_a_secret_is_nowhere_to_be_seen(
    at_home: tuple[dict[str, Any], str], travelled: tuple[dict[str, Any], str]
) -> None:
    results = {name: told for name, told in at_home[0].items() if name != "a task that logs nothing"}
    assert "a-secret-value" not in at_home[1] + json.dumps(results)
    assert "a-secret-value" not in travelled[1]
