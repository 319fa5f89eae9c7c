"""Another release beside the installed one, and back: setup.sh does with its own directories what is done here.

The long form, with setup.sh itself under systemd, is tests/hosts/fresh.py --upgrade.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.e2e.support.sample import RUNNING
from tests.e2e.support.site import FLEET, PROJECT, Run, Site
from tests.hosts.ask import Asking


def next_release(folder: Path) -> Path:
    """The project as it is shipped, with another bridge, so that every container of a stdio server is replaced."""
    pack = [sys.executable, "roles/software/files/pack.py", ".", str(folder)]
    archive = subprocess.run(pack, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.strip()
    shutil.unpack_archive(archive, folder / "next")
    with (folder / "next" / "files" / "bridge" / "__init__.py").open("a") as bridge:
        bridge.write("\n# the next release\n")
    return folder / "next"


def installed(site: Site, release: Path) -> Run:
    """The run that installs a release, while clients ask; no request of theirs fails."""
    with ExitStack() as stack:
        askings = [stack.enter_context(Asking(f"{site.url}/mcp/{name}")) for name in RUNNING]
        run = site.install(release)
    assert run.code == 0, run.output
    assert [failure for each in askings for failure in each.failures] == []
    assert min(each.count for each in askings) > 20
    if any(server["draining"] for server in site.servers().values()):
        # A session was open when the run looked; its container goes with the next one.
        assert site.play("site", "--skip-tags", "install", project=release).code == 0
    return run


def test_a_fleet_is_served_through_an_upgrade_and_through_the_way_back(site: Site, tmp_path: Path) -> None:
    home = site.root / "home"
    former, before = (home / "current").resolve(), site.containers()

    installed(site, next_release(tmp_path))
    upgraded = (home / "current").resolve()
    assert (home / "previous").resolve() == former != upgraded
    bridged = {f"{FLEET}-time", f"{FLEET}-everything"}
    after = site.containers()
    assert {name for name in before if after[name] != before[name]} == bridged

    installed(site, (home / "previous").resolve())
    assert (home / "current").resolve() == former
    assert (home / "previous").resolve() == upgraded
    assert sorted(path.name for path in (home / "releases").iterdir()) == sorted([former.name, upgraded.name])
    assert len(list((home / "venvs").iterdir())) == 1  # both have the same lock
