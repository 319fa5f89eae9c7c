"""What the container's log shows is what somebody wrote, and does nothing to the terminal that shows it."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable

import pytest
from bridge.printable import LINE, printable
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.bridge.client import HOSTILE, Bridge, Client, until

Start = Callable[..., Bridge]
HARMFUL = {chr(code) for code in [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0x202E, 0x2066, 0x200B]} - {"\t"}


@given(st.text() | st.binary())
def test_nothing_that_acts_is_left_and_nothing_else_is_lost(text: str | bytes) -> None:
    shown = printable(text)
    assert not HARMFUL & set(shown)
    shown.encode()  # half a character is none
    if isinstance(text, str) and text.isprintable():
        assert shown == text


@pytest.mark.parametrize("text", ["grüße", "漢字", "نص", "नमस्ते", "👩‍👩‍👧 🇪🇺", "tab\tbed", "C:\\new"])
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert printable(text) == text
    assert printable(text.encode()) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        (b"\xff\xfe", r"\xff\xfe"),
        (b"half \xe6\xbc", r"half \xe6\xbc"),
        ("10%\r20%", r"10%\r20%"),
        ("\ud800", r"\ud800"),
        ("a\u202eb", r"a\u202eb"),
    ],
)
def test_what_acts_is_shown_as_an_escape(text: str | bytes, shown: str) -> None:
    assert printable(text) == shown


def test_a_long_line_is_cut_and_says_so() -> None:
    assert printable("é" * 12, 10) == "é" * 10 + "… (12 in all)"
    assert len(printable(b"\x1b" * (10 * LINE))) < 5 * LINE


def test_a_childs_words_are_logged_without_their_effects(start_bridge: Start) -> None:
    said = b"\x1b[31mred\x1b[0m gr\xc3\xbcn \xff\nbridge: error: \x08forged\r\n"
    script = f"""import os, sys
os.write(2, {said!r} + b'y' * 300_000 + b'\\nlast\\n')
os.execv(sys.executable, {[sys.executable, HOSTILE[1]]!r})"""
    bridge = start_bridge(command=[sys.executable, "-c", script])
    until(lambda: [line for line in bridge.log if line.endswith("] last")])
    lines = [line for line in bridge.log if line.startswith("[health] ")]
    assert lines[0] == r"[health] \x1b[31mred\x1b[0m grün \xff"
    assert lines[1] == r"[health] bridge: error: \x08forged"
    assert lines[2].startswith("[health] yyyy")
    assert len(lines[2]) < 2 * LINE
    assert lines[3] == "[health] last"


def test_what_is_no_message_is_logged_without_its_effects(start_bridge: Start) -> None:
    script = r"import os; os.write(1, b'\x1b[2J cleared\n'); os.read(0, 1)"
    bridge = start_bridge(command=[sys.executable, "-c", script])
    until(lambda: [line for line in bridge.log if r"(on stdout, not valid JSON) \x1b[2J cleared" in line])


def test_a_clients_words_in_the_bridges_own_lines_are_harmless(start_bridge: Start) -> None:
    bridge = start_bridge("--isolation", "shared", "--log-level", "debug", command=[*HOSTILE])
    bridge.wait_healthy()
    client = Client(bridge)
    client.open()
    name = "\x1b[31m\u202e\n"
    body = {"jsonrpc": "2.0", "id": 7, "method": f"tools/{name}"}
    assert client.post(json.dumps(body, ensure_ascii=False).encode().replace(b"\n", b"")).status == 200
    with socket.create_connection(("127.0.0.1", bridge.port)) as connection:
        connection.sendall(b"GET /\x1b[31m HTTP/1.1\r\nHost: \x9b\r\n\r\n")
        connection.recv(1000)
    assert bridge.stop() == 0
    assert not [line for line in bridge.log if HARMFUL & set(line)]
