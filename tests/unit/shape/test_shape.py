"""tests/shape: each rule on trees of a few lines, and that the repository keeps to them."""

from __future__ import annotations

import textwrap

import pytest

from tests.shape import allowance
from tests.shape.__main__ import offences_of
from tests.shape.docstrings import check_docstrings
from tests.shape.imports import check_circles, check_layers
from tests.shape.patience import check_patience
from tests.shape.size import check_files, check_functions
from tests.shape.source import MODULE_UTILS, Offence, Source
from tests.shape.words import check_words

ABOVE = "ansible_collections.mcp.orchestrator.plugins.module_utils"


def tree(**files: str) -> list[Source]:
    """Files by their path below files/, or below module_utils where the path begins with utils; __ is a slash."""
    folder = {"utils": MODULE_UTILS}
    sources = []
    for name, text in files.items():
        first, *rest = name.split("__")
        path = "/".join([folder.get(first, f"files/{first}"), *rest]) + ".py"
        sources.append(Source(path, textwrap.dedent(text)))
    return sources


def said(offences: object) -> list[str]:
    assert not isinstance(offences, str)
    return [f"{offence.rule} {offence.name}" for offence in offences]  # type: ignore[attr-defined]


def test_two_modules_that_import_one_another_are_a_circle() -> None:
    sources = tree(bridge__a="from .b import thing", bridge__b="from . import a", bridge__c="from . import a, b")
    assert said(check_circles(sources)) == ["import-circle a, b"]


@pytest.mark.parametrize(
    "second",
    [
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .a import Thing",
        "def late():\n    from bridge.a import thing",
        "import bridge.a",
    ],
)
def test_an_import_for_types_or_in_a_function_closes_a_circle_too(second: str) -> None:
    assert said(check_circles(tree(bridge__a="from .b import x", bridge__b=second))) == ["import-circle a, b"]


def test_a_circle_over_folders_is_found() -> None:
    sources = tree(
        bridge__http__one="from ..process.two import x",
        bridge__process__two="from bridge.http import one",
        bridge__z="",
    )
    assert said(check_circles(sources)) == ["import-circle http.one, process.two"]


def test_packages_of_module_utils_that_import_one_another_are_a_circle_even_without_a_circle_of_modules() -> None:
    sources = tree(
        utils__client__file="from ..state.file import write",
        utils__state__file="",
        utils__state__server=f"from {ABOVE}.client.entry import entry",
        utils__client__entry="",
    )
    (offence,) = check_circles(sources)
    assert offence.name == "client, state"
    assert "client/file.py:1" in offence.text
    assert "state/server.py:1" in offence.text


def test_imports_in_one_direction_are_no_circle() -> None:
    sources = tree(bridge__a="from .b import x\nfrom .c import y", bridge__b="from .c import y", bridge__c="")
    assert said(check_circles(sources)) == []


def test_config_may_not_import_what_comes_after_it() -> None:
    sources = tree(
        utils__config__reach="from ..routing.exposure import Exposure",
        utils__routing__exposure="from ..config.settings import Settings",
        utils__config__settings="",
        utils__probe__fleet="from ..state import document",
        utils__state__document="",
    )
    assert said(check_layers(sources)) == ["upward-import routing.exposure"]


def test_a_long_file_needs_a_reason() -> None:
    long = "x = 1\n" * 401
    assert said(check_files([Source("files/bridge/a.py", long)])) == ["long-file file"]
    assert said(check_files([Source("files/bridge/a.py", "x = 1\n" * 400)])) == []
    assert said(check_files([Source("a.py", "# Longer than 400 lines: a table of every flag\n" + long)])) == []
    assert said(check_files([Source("a.py", "# Longer than 400 lines: \n" + long)])) == ["long-file file"]


def test_a_long_function_is_found_wherever_it_stands() -> None:
    body = "".join(f"        x = {number}\n" for number in range(60))
    source = Source("tests/x.py", f"class A:\n    async def long(self):\n{body}    def short(self):\n        pass\n")
    assert said(check_functions([source])) == ["long-function long"]


def test_public_names_without_a_docstring_are_found() -> None:
    sources = tree(
        monitor__a='''
        def main(): ...
        def seen(): ...
        def _hidden(): ...
        class Thing:
            """A thing."""
            def __init__(self): ...
            def told(self):
                """Says it."""
            def untold(self):
                def inner(): ...
            def _own(self): ...
        class _Hidden:
            def method(self): ...
        '''
    )
    expected = ["docstring Thing.untold", "docstring module", "docstring seen"]
    assert sorted(said(check_docstrings(sources))) == expected


def test_methods_that_a_base_or_a_protocol_documents_need_no_docstring_of_their_own() -> None:
    sources = tree(
        monitor__base='''
        """Module."""
        from typing import Protocol
        class Base:
            """Base."""
            def run(self):
                """Runs."""
        class Door(Protocol):
            """What opens."""
            def open(self):
                """Opens."""
            def shut(self): ...
        ''',
        monitor__other='''
        """Module."""
        import logging
        from .base import Base
        class Child(Base):
            """Child."""
            def run(self): ...
            def open(self): ...
            def stop(self): ...
        class Handler(logging.Handler):
            """A base that is not ours."""
            def emit(self): ...
        class Connection(asyncio.Protocol):
            """Another one."""
            def data_received(self): ...
        ''',
    )
    assert said(check_docstrings(sources)) == ["docstring Door.shut", "docstring Child.stop"]


def test_empty_files_and_documented_modules_of_ansible_need_no_docstring() -> None:
    module = Source("collections/ansible_collections/mcp/orchestrator/plugins/modules/x.py", "DOCUMENTATION = ''\n")
    assert said(check_docstrings([*tree(bridge____init__=""), module])) == []


def test_banned_words_are_found_in_texts_and_not_in_names_comments_and_docstrings() -> None:
    source = Source(
        "files/bridge/a.py",
        '"""Wished for."""\nwished = 1  # wished\n'
        'def f():\n    """Mend."""\n    fail(f"{x} is not\\nwished any more")\n',
    )
    (offence,) = check_words([source])
    assert offence.line == 6
    assert "write desired" in offence.text


def test_banned_words_are_found_in_the_names_and_messages_of_tasks() -> None:
    text = (
        "- name: Let the engine start\n  # Let the engine start\n- name: Lets others in\n"
        "  ansible.builtin.assert:\n    fail_msg: Mend that.\n"
    )
    offences = list(check_words([Source("roles/engine/tasks/main.yml", text)]))
    assert [offence.line for offence in offences] == [1, 5]
    assert said(check_words([Source("tests/hosts/x.yml", text)])) == []


def offence(rule: str = "word", path: str = "a.py", name: str = "x") -> Offence:
    return Offence(path, 1, rule, name, "text")


def test_an_allowance_covers_as_many_offences_as_it_has_lines() -> None:
    allowed = allowance.parse("# a comment\n\nword a.py x  # the field's word\nword a.py x\n")
    assert allowance.judge([offence(), offence()], allowed) == ([], [])
    assert allowance.judge([offence(), offence(), offence()], allowed) == ([offence()], [])


def test_an_allowance_that_nothing_needs_is_reported() -> None:
    allowed = allowance.parse("word a.py x\nlong-file b.py file\n")
    assert allowance.judge([offence()], allowed) == ([], ["long-file b.py file"])


def test_an_allowance_needs_a_reason() -> None:
    text = "# a comment\n\nword a.py x  # the field's word\nword b.py x\nlong-file c.py file  # \n"
    assert allowance.unreasoned(text) == ["word b.py x", "long-file c.py file  # "]


def test_what_is_found_is_sorted_by_file_and_line() -> None:
    found = offences_of(tree(monitor__b="def f(): ...", monitor__a="\n\ndef f(): ..."))
    assert [(each.path, each.line) for each in found] == [
        ("files/monitor/a.py", 1),
        ("files/monitor/a.py", 3),
        ("files/monitor/b.py", 1),
        ("files/monitor/b.py", 1),
    ]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("assert time.monotonic() - began < 2", ["impatient 2 s"]),
        ("assert 1 < time.perf_counter() - began <= 3.5", ["impatient 3.5 s"]),
        ("assert time.monotonic() - began < 60", []),
        ("assert time.monotonic() - began > 2", []),
        ("until(done, 'it is done', 5)", ["impatient 5 s"]),
        ("until(done, seconds=1.0)", ["impatient 1 s"]),
        ("until(done, 'it is done')", []),
    ],
)
def test_a_test_that_a_slow_machine_fails_is_found(line: str, found: list[str]) -> None:
    for path, expected in (("tests/unit/bridge/test_x.py", found), ("benchmarks/x.py", [])):
        assert said(check_patience([Source(path, line)])) == expected
