#!/usr/bin/env python3
"""Takes the pictures of docs/images, the monitor over the files of a made-up site, in Chromium: make screenshots."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.monitor_parts.serving import PASSWORD, monitor
from tests.monitor_data.site import make_site
from tests.security.chromium import Browser, browsing

IMAGES = Path(__file__).parent / "images"
DESK, PHONE = (1280, 720), (390, 1100)


@dataclass(frozen=True)
class Picture:
    """A page below the monitor's path, as a window of ``size`` shows it to who prefers the scheme."""

    name: str
    path: str
    size: tuple[int, int] = DESK
    scheme: str = "light"


PICTURES = (
    Picture("overview", "/"),
    Picture("overview-dark", "/", scheme="dark"),
    Picture("overview-phone", "/", PHONE),
    Picture("server", "/servers/time", (1280, 900)),
    Picture("logs", "/logs", (1280, 600)),
    Picture("runs", "/runs"),
    Picture("routes", "/routes"),
    Picture("resources", "/resources"),
    Picture("connect", "/connect"),
)


def take(window: Browser, port: int, picture: Picture) -> bytes:
    """Returns a PNG."""
    window.shape(*picture.size, picture.scheme)
    window.open(f"http://admin:{PASSWORD}@127.0.0.1:{port}/monitor{picture.path}")
    return window.picture()


def main() -> None:
    parser = argparse.ArgumentParser(description="Takes the pictures of the monitor.")
    parser.add_argument("--into", type=Path, default=IMAGES)
    into = parser.parse_args().into
    into.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        site = make_site(Path(name), servers=24, days=30, lines=120, calls=600)
        with monitor(site, role="operate") as served, browsing() as window:
            window.hide_scrollbars()
            for picture in PICTURES:
                png = take(window, served.port, picture)
                (into / f"{picture.name}.png").write_bytes(png)
                print(f"{picture.name}: {len(png) // 1024} KB")


if __name__ == "__main__":
    main()
