"""Whatever stands in the files beside the state, a page of it is there."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from monitor.pages import connect, overview, resources, server
from monitor.sources import Sources
from monitor.web import Answer, Request

from tests.unit.monitor import samples

NOW = samples.FINISHED
PAGES: dict[str, Callable[[Request, Sources], Answer | None]] = {
    "overview": overview.page,
    "server": server.page,
    "resources": resources.page,
    "connect": connect.page,
}
FILES = (
    "history/conditions.json", "history/20261121T041900Z-3fa9.json", "samples/latest.json", "samples/time/600s.ring",
    "samples/time/15s.ring", "tools.json", "routes.json", "calls/time/00000001.log", "logs/time/00000001.log",
)  # fmt: skip
MARKUP = "<script>alert(1)</script>"
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=10) | st.just(MARKUP),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["version", "servers", "time", "recorded", "events", MARKUP]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
whole = st.integers(-(2**70), 2**70) | st.integers(1_760_000_000, 1_800_000_000)
in_form = st.fixed_dictionaries(
    {
        "version": st.just(1),
        "recorded": st.lists(st.tuples(whole, whole), max_size=4),
        "servers": st.dictionaries(
            st.just("time"), st.lists(st.tuples(whole, st.sampled_from(["ok", "failing", "", MARKUP])), max_size=4)
        ),
    }
)
content = st.binary(max_size=300) | (plain | in_form).map(lambda value: json.dumps(value).encode())


def shown(folder: Path, name: str) -> str:
    request = Request(arguments={"name": "time"}, now=NOW)
    answer = PAGES[name](request, Sources(folder / "state.json", folder))
    assert answer is not None
    return str(answer.body)


@pytest.mark.parametrize("name", PAGES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(files=st.dictionaries(st.sampled_from(FILES), content, max_size=4))
def test_a_page_is_there_whatever_the_records_hold(tmp_path: Path, name: str, files: dict[str, bytes]) -> None:
    folder = tmp_path / "site"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "state.json").write_text(json.dumps(samples.state([samples.server("time"), samples.server("github")])))
    for path, written in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(written)
    assert "<script>" not in shown(folder, name)


@pytest.mark.parametrize(
    "query",
    [{"q": MARKUP}, {"group": MARKUP}, {"condition": '"><i>'}, {"sort": MARKUP}, {"page": "\x00"}, {"host": "\ud800"}],
)
def test_what_is_asked_for_becomes_no_markup(tmp_path: Path, query: dict[str, Any]) -> None:
    (tmp_path / "state.json").write_text(json.dumps(samples.state([samples.server("time", group="x")])))
    request = Request(query={key: (value,) for key, value in query.items()}, now=NOW)
    body = str(overview.page(request, Sources(tmp_path / "state.json", tmp_path)).body)
    assert "<script>alert" not in body
    assert '"><i>' not in body
    assert not re.search(r"\x00", body)
    body.encode()
