"""What stands in for modules that the bridge does not use."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.unit.bridge.client import ROOT, Bridge

BEGIN = f"import sys; sys.path.insert(0, {str(ROOT / 'files')!r}); from bridge import stand_ins; stand_ins.install()\n"
KEPT_OUT = (
    "_ssl",
    "_hashlib",
    "logging.handlers",
    "ast",
    "dis",
    "_posixsubprocess",
    "http",
    "urllib.parse",
    "ipaddress",
    "_typing",
    "ctypes",
)


def said(program: str) -> str:
    run = subprocess.run([sys.executable, "-c", BEGIN + program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_the_bridge_loads_no_code_that_it_does_not_use() -> None:
    loaded = said("import bridge.serving; print(*(name for name, module in sys.modules.items() if module))").split()
    assert set(loaded) & {*KEPT_OUT, "bridge.trace_context"} == set()


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("import json; print(json.dumps([1]), json.loads('[2]'))", "[1] [2]"),
        ("import inspect; print(inspect.signature(lambda a, b=1: a))", "(a, b=1)"),
        ("import ssl; print(ssl.create_default_context is None, ssl.OPENSSL_VERSION[:7])", "True OpenSSL"),
        ("import subprocess; print(subprocess.run(['true']).returncode)", "0"),
        ("import traceback; print(traceback.format_list([]))", "[]"),
        ("import asyncio; print(asyncio.StreamReader.__name__)", "StreamReader"),
        ("import datetime; print(datetime.date(2026, 11, 29).isoformat())", "2026-11-29"),
        ("import hmac; print(hmac.digest(b'k', b'm', 'sha256').hex()[:8])", "b60090e3"),
        ("import typing; print(typing.NamedTuple('A', [('a', int)])(1))", "A(a=1)"),
        ("import concurrent.futures as f; print(f.thread.ThreadPoolExecutor(1).submit(len, 'ab').result())", "2"),
    ],
)
def test_who_asks_for_more_gets_the_module_itself(program: str, expected: str) -> None:
    assert said(program) == expected


def test_a_name_that_no_module_has_is_an_error_as_ever() -> None:
    assert said("import json\ntry: json.nothing\nexcept AttributeError as error: print(error)").endswith("'nothing'")


def test_a_value_of_fields_is_made_compared_and_changed_as_dataclasses_do() -> None:
    program = """
from dataclasses import dataclass, replace
@dataclass(frozen=True, slots=True)
class Size:
    memory: int
    tasks: int = 1
print(Size(1) == Size(1, 1), Size(2, tasks=3).tasks, replace(Size(1), tasks=2).tasks, hash(Size(1)) == hash(Size(1)))
try: Size()
except TypeError as error: print("memory" in str(error))
"""
    assert said(program).split() == ["True", "3", "2", "True", "True"]


def test_the_memory_of_its_own_stays_small(bridge: Bridge) -> None:
    with open(f"/proc/{bridge.process.pid}/smaps_rollup") as file:
        rollup = dict(line.split(":") for line in file if line.count(":") == 1)
    # With docstrings and tables of lines; in the runtime it is 1.5 MB less.
    assert int(rollup["Private_Dirty"].split()[0]) < 11_000
