"""The audit, against saved answers: nothing outside this machine is asked."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from audit.__main__ import main

ADVISORY = {
    "id": 1065,
    "url": "https://github.com/advisories/GHSA-x",
    "severity": "moderate",
    "vulnerable_versions": "<1.3.0",
}
VULNERABLE = {
    "name": "jinja2",
    "version": "2.10",
    "vulns": [{"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"], "aliases": ["CVE-2019-10906"]}],
}
FINE = {"name": "click", "version": "8.0", "vulns": []}


class Registry(BaseHTTPRequestHandler):
    """npm's registry: it knows an advisory for left-pad below 1.3.0."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)  # type: ignore[attr-defined]
        answer = {name: [ADVISORY] for name, versions in asked.items() if (name, versions) == ("left-pad", ["1.2.0"])}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What the registry was asked for."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"http://127.0.0.1:{server.server_port}/")
    yield server.asked  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes pip-audit answer with some dependencies; gives its arguments back."""
    program = tmp_path / "pip-audit"
    monkeypatch.setenv("PIP_AUDIT", str(program))

    def answer(*dependencies: dict[str, Any], text: str | None = None) -> Path:
        said = json.dumps({"dependencies": dependencies, "fixes": []}) if text is None else text
        program.write_text(
            f"#!{sys.executable}\nimport sys\nopen({str(tmp_path / 'arguments')!r}, 'a').write(repr(sys.argv))\n"
            f"print({said!r}) if {said!r} else sys.exit('no route to host')\nsys.exit(1)\n"
        )
        program.chmod(0o755)
        return tmp_path / "arguments"

    return answer


def bill(folder: Path, image: str, *purls: str) -> Path:
    components = [{"purl": purl, "components": []} for purl in purls]
    document = {"metadata": {"component": {"name": image}}, "components": [{"components": components}]}
    folder.mkdir(exist_ok=True)
    (folder / f"{len(list(folder.iterdir()))}.cdx.json").write_text(json.dumps(document))
    return folder


def test_a_known_vulnerability_of_a_lock_fails_the_audit(
    tmp_path: Path, answers: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = answers(VULNERABLE, FINE)
    assert main([str(tmp_path / "requirements.lock")]) == 1
    out = capsys.readouterr().out
    assert "pypi jinja2 2.10: PYSEC-2019-217 (unranked, fixed: 2.10.1) in " in out
    assert "1 known vulnerabilities from level low on, in 2 packages" in out
    assert "'--require-hashes'" in arguments.read_text()


def test_packages_of_images_are_asked_for_version_by_version(
    tmp_path: Path, answers: Any, registry: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    answers(FINE)
    bill(tmp_path / "sbom", "mcp-built/a:1", "pkg:npm/left-pad@1.2.0", "pkg:npm/left-pad@1.3.0", "pkg:pypi/click@8.0")
    bill(tmp_path / "sbom", "mcp-built/b:1", "pkg:npm/%40s/x@1.0.0", "pkg:npm/left-pad@1.2.0", "pkg:deb/debian/a@1?x=y")
    assert main(["--sboms", str(tmp_path / "sbom")]) == 1
    out = capsys.readouterr().out
    assert (
        "npm left-pad 1.2.0: https://github.com/advisories/GHSA-x (moderate, fixed: outside <1.3.0)"
        " in mcp-built/a:1, mcp-built/b:1\n" in out
    )
    assert "1.3.0:" not in out
    assert "1 others, Debian's above all, were not looked up" in out
    assert registry == [{"@s/x": ["1.0.0"], "left-pad": ["1.2.0"]}, {"left-pad": ["1.3.0"]}]


def test_what_is_below_the_level_does_not_count(tmp_path: Path, answers: Any, registry: list[Any]) -> None:
    answers()
    folder = bill(tmp_path / "sbom", "mcp-built/a:1", "pkg:npm/left-pad@1.2.0")
    assert main(["--sboms", str(folder), "--level", "high"]) == 0
    assert main(["--sboms", str(folder), "--level", "moderate"]) == 1


@pytest.mark.parametrize(
    ("dependencies", "text", "reason"),
    [
        (
            [{"name": "x", "skip_reason": "Dependency not found on PyPI"}],
            None,
            "1 of 1 packages could not be looked up",
        ),
        ([], "", "no route to host"),
        ([], "[]", "PyPI's advisories for requirements.lock"),
    ],
)
def test_no_answer_of_pypi_is_not_a_clean_answer(
    answers: Any, dependencies: Any, text: str | None, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answers(*dependencies, text=text)
    assert main(["requirements.lock"]) == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize("registry", ["http://127.0.0.1:1", "file:///etc/passwd"])
def test_no_answer_of_npm_is_not_a_clean_answer(
    tmp_path: Path, registry: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", registry)
    folder = bill(tmp_path / "sbom", "mcp-built/a:1", "pkg:npm/left-pad@1.2.0")
    assert main(["--sboms", str(folder)]) == 2
    assert "not known: " in capsys.readouterr().err


def test_a_damaged_bill_is_named_and_the_others_are_read(
    tmp_path: Path, registry: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = bill(tmp_path / "sbom", "mcp-built/a:1", "pkg:npm/left-pad@1.2.0")
    (folder / "broken.cdx.json").write_text("{")
    assert main(["--sboms", str(folder)]) == 1
    assert "broken.cdx.json is not a CycloneDX bill of materials" in capsys.readouterr().err
