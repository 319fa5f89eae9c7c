"""The local ALB beside AWS's documentation, row by row; what differs stands in its README with a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.alb_rows import headers, messages, routing
from tests.e2e.alb_rows.scene import IDLE, RawTarget, Row, Scene
from tests.e2e.support.local_alb import LocalAlb, running
from tests.unit.local_alb.test_moto import CASES

README = Path(__file__).resolve().parents[2] / "files" / "local_alb" / "README.md"
# Rows with the same attributes stand together: each change of these is a new configuration of HAProxy.
ROWS: list[Row] = sorted([*routing.ROWS, *headers.ROWS, *messages.ROWS], key=lambda row: row.attributes)
DEFAULTS = {
    "idle_timeout.timeout_seconds": str(IDLE),
    "routing.http.xff_header_processing.mode": "append",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.drop_invalid_header_fields.enabled": "false",
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    target = RawTarget()
    named = [word for name in ("example.com", "*.example.com", "*.example.org") for word in ("--allowed-host", name)]
    with running(LocalAlb(tmp_path_factory.mktemp("alb"), *named)) as host:
        routing.make(host, target.port)
        scene = Scene(host, target)
        scene.set_attributes({"idle_timeout.timeout_seconds": str(IDLE)}, DEFAULTS)
        yield scene
    target.close()


@pytest.mark.parametrize("row", [pytest.param(row, id=row.what) for row in ROWS])
def test_a_row_of_the_documentation_holds_or_is_a_known_difference(row: Row, scene: Scene) -> None:
    scene.set_attributes(dict(row.attributes), DEFAULTS)
    found = row.run(scene)
    if row.differs:
        assert found != row.expected, f"this is as documented now: take '{row.differs}' out of the README"
        assert found == row.instead
    else:
        assert found == row.expected, row.source


def known_differences() -> list[str]:
    """The names of the README's known differences of requests: the first column of its table."""
    section = README.read_text().partition("## Known differences")[2].partition("\n## ")[0]
    return re.findall(r"^\| ([^|]+?) \|", section, re.MULTILINE)[2:]


def test_known_differences_are_those_of_the_readme() -> None:
    shown = {row.differs for row in ROWS if row.differs}
    assert shown == set(known_differences())


def test_the_rows_are_many_and_each_names_its_page() -> None:
    sources = [*(row.source for row in ROWS), *(case.page for case in CASES)]
    assert all(source.startswith("https://") for source in sources)
    assert len(sources) >= 230
    names = [row.what for row in ROWS]
    assert sorted(set(names)) == sorted(names)
