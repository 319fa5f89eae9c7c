"""The command line: python -m verify. Exit code 0 when all is as expected, 1 when not, 2 where nothing was verified."""

from __future__ import annotations

import argparse
import json
import logging
import os
import shlex
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from verify import report
from verify.first_file import first_file
from verify.outcome import error_of
from verify.plugin import Plan, Verification
from verify.read import FilesWrong, read_file, read_files
from verify.session import opened
from verify.suite import AUTO, Suite
from verify.target import Target
from verify.targets import StateUnusable, of_image, of_state
from verify.written import write_new

WELL, WRONG, UNABLE = 0, 1, 2
FOLDER = Path("/etc/mcp-orchestrator/verify.d")
STATE = Path("/var/lib/mcp-orchestrator/state.json")


class Unable(Exception):
    """Nothing can be verified; the text says why, and the way out."""


def main(arguments: Sequence[str]) -> int:
    """Verifies what ``arguments`` say; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.init:
            return _first_file(options)
        suites = _suites(options)
        targets = _targets(options)
        plan = Plan(
            _applying(suites, targets, options), targets, options.tries, options.at_once, options.record, options.bench
        )
    except (Unable, FilesWrong, StateUnusable) as error:
        print(error, file=sys.stderr)
        return UNABLE
    return _verified(plan, options)


def _first_file(options: argparse.Namespace) -> int:
    """Writes a first file for the one server that was named. Raises Unable."""
    targets = list(_targets(options).values())
    if len(options.name) != 1:
        raise Unable("give one server: --name NAME")
    target, path = targets[0], (options.files or [FOLDER])[0] / f"{options.name[0]}.yml"
    if target.reason:
        raise Unable(f"{target.name} cannot be asked: {target.reason}")

    async def listed() -> str:
        async with opened(target, AUTO, {}) as session:
            return await first_file(session, target)

    try:
        write_new(path, anyio.run(listed))
    except FileExistsError as error:
        raise Unable(f"{path} is there already; edit it, or remove it first") from error
    except Exception as problem:
        said = error_of(problem)
        if said is None:
            raise
        raise Unable(f"{target.name}: {said.kind}: {said.message}") from problem
    read_file(path)
    print(f"{path} is written; edit it, then: make verify NAME={target.name}")
    return WELL


def _suites(options: argparse.Namespace) -> dict[Path, Suite]:
    if options.record and options.select:
        raise Unable("a baseline is of all cases; leave --select out")
    paths: list[Path] = []
    for given in options.files or [FOLDER]:
        if given.is_dir():
            paths.extend(sorted(each for each in given.iterdir() if each.suffix in (".yml", ".yaml")))
        elif given.exists():
            paths.append(given)
        else:
            raise Unable(f"{given} is not there; write a first file with make verify-init NAME=…")
    resolved = [path.resolve() for path in paths]
    return dict(zip(resolved, read_files(resolved), strict=True))


def _targets(options: argparse.Namespace) -> dict[str, Target]:
    """The servers that were asked for, all of the state file where none was."""
    if options.url or options.image:
        if len(options.name) != 1:
            raise Unable("give the one name under which files know the server: --name NAME")
        name = options.name[0]
        headers = {"Host": options.host_header} if options.host_header else {}
        made = (
            Target(name, options.url, transport=options.transport, headers=headers)
            if options.url
            else of_image(name, options.image, options.arguments)
        )
        return {name: made}
    found = of_state(options.state, options.direct)
    unknown = [name for name in options.name if name not in found]
    if unknown:
        raise Unable(f"there is no server {' and no '.join(unknown)} in {options.state}; there are: {', '.join(found)}")
    return {name: target for name, target in found.items() if name in options.name or not options.name}


def _applying(suites: dict[Path, Suite], targets: dict[str, Target], options: argparse.Namespace) -> dict[Path, Suite]:
    """The files that name a server there is. A name that is none's is a mistake, unless only some were asked for."""
    if not options.name:
        missing = [
            f"{suite.path}: {name}: there is no such server; there are: {', '.join(targets)}"
            for suite in suites.values()
            for name in suite.servers
            if not set(name) & set("*?[") and name not in targets
        ]
        if missing:
            raise FilesWrong(missing)
    found = {path: suite for path, suite in suites.items() if any(map(suite.applies_to, targets))}
    if not found:
        names = ", ".join(options.name) or "any server"
        raise Unable(f"no file is for {names}; write a first one with make verify-init NAME=…")
    return {path: replace(suite, path=path) for path, suite in found.items()}


def _verified(plan: Plan, options: argparse.Namespace) -> int:
    given = [
        *("-c", os.devnull, f"--rootdir={Path(os.path.commonpath([path.parent for path in plan.suites]))}"),
        # What other packages bring along for pytest is of no use here.
        *(
            "--disable-plugin-autoload",
            "-p",
            "no:cacheprovider",
            "--noconftest",
            "--no-header",
            "-q",
            "-rN",
            "-W",
            "ignore",
            "--tb=short",
        ),
        *("-o", "junit_suite_name=verify", "-o", "console_output_style=count"),
        *(["-k", options.select] if options.select else []),
        *([f"--junitxml={options.junit}"] if options.junit else []),
        *map(str, plan.suites),
    ]
    code = pytest.main(given, plugins=[Verification(plan)])
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        print("no case is left; " + ("give one a bench" if plan.bench else "choose others"), file=sys.stderr)
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return UNABLE
    if plan.bench:
        print(f"\n{report.bench_table(plan.figures)}")
        print(json.dumps([each.to_dict() for each in plan.figures], ensure_ascii=False))
        return WELL if code == pytest.ExitCode.OK else WRONG
    servers = report.servers_of(plan.results, plan.changes, datetime.now(UTC))
    for server, changes in sorted(plan.changes.items()):
        harmless = [each for each in changes if not each.breaking]
        if len(harmless) == len(changes) > 0:  # beside what breaks they have been told already
            print("\n".join([f"\n{server} has changed since its baseline", *(f"  {each}" for each in harmless)]))
    print(f"\n{report.table(servers)}")
    if options.json:
        try:
            report.write(options.json, servers)
        except OSError as error:
            print(f"{options.json} cannot be written: {error}", file=sys.stderr)
            return UNABLE
    return WELL if code == pytest.ExitCode.OK else WRONG


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="verify", description="Verify that MCP servers answer as files expect.")
    parser.add_argument("files", nargs="*", type=Path, help=f"files or folders of them; {FOLDER} by default")
    parser.add_argument("--name", action="append", default=[], help="a server; all by default; may be repeated")
    parser.add_argument("--state", type=Path, default=STATE, help="the state file, which says where servers are")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--direct", action="store_true", help="ask containers, past the load balancer")
    where.add_argument("--url", help="ask a server that is at this URL")
    where.add_argument("--image", help="ask a server of an image that speaks over stdio")
    parser.add_argument("--transport", choices=("http", "sse"), default="http", help="with --url: what it speaks")
    parser.add_argument("--host-header", metavar="HOST", help="with --url: what it is sent as Host")
    parser.add_argument("--arguments", type=shlex.split, default=[], help="with --image: what follows it, in one text")
    parser.add_argument("--select", metavar="EXPRESSION", help="only cases whose name has it, as pytest -k has it")
    parser.add_argument("--tries", type=int, default=1, metavar="N", help="do each case so often")
    parser.add_argument("--at-once", type=int, default=16, metavar="N", help="how many servers are asked at once")
    parser.add_argument("--init", action="store_true", help="write a first file for the server, and verify nothing")
    parser.add_argument("--record", action="store_true", help="make each server's baseline of what it is like now")
    parser.add_argument("--bench", action="store_true", help="measure the cases that have bench, one after the other")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write the results as JUnit XML")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results as JSON, beside those of before")
    return parser


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)  # what the SDK notices becomes a failure of a step, and is told there
    raise SystemExit(main(sys.argv[1:]))
