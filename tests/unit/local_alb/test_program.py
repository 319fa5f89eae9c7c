"""What the program says to options that make no sense, before it touches anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from local_alb.__main__ import main
from local_alb.haproxy.handover import LONGEST_PATH

from tests.credentials import write_credentials


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_credentials(tmp_path_factory.mktemp("key") / "credentials"))


def options(directory: Path, **changes: str) -> list[str]:
    given = {
        "credentials": str(directory / "credentials"),
        "directory": str(directory / "state"),
        "control": "127.0.0.1:1",
        "listener": "127.0.0.1:2",
        "haproxy-config": str(directory / "haproxy.cfg"),
        "haproxy-socket": str(directory / "master.sock"),
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    return [word for name, value in given.items() for word in (f"--{name}", value)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"quota": "rules=1"}, "no such quota: rules; there are application-load-balancers, "),
        ({"quota": "target-groups=many"}, "'target-groups=many' is not of the form NAME=LIMIT"),
        ({"page_size": "401"}, "invalid choice: 401"),
        ({"control": "localhost:80"}, "'localhost:80' is not of the form ADDRESS:PORT"),
        ({"listener": "127.0.0.1:70000"}, "'127.0.0.1:70000' is not of the form ADDRESS:PORT"),
        ({"allowed_host": "*"}, "'*' is not a host such as mcp.example.com"),
        ({"allowed_host": "http://a.example"}, "'http://a.example' is not a host such as mcp.example.com"),
        ({"allowed_origin": "a.example"}, "'a.example' is not an origin such as https://app.example.com"),
        ({"behind_balancer": "health"}, "'health' is not a path such as /router/health"),
    ],
)
def test_an_option_that_makes_no_sense_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, str], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(options(tmp_path, **changes))
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


OPEN = ["0.0.0.0:1", "192.0.2.1:1", "[::]:1"]


@pytest.mark.parametrize("address", OPEN)
def test_a_control_plane_that_others_reach_is_never_what_is_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], credentials: str, address: str
) -> None:
    assert main([*options(tmp_path, credentials=credentials, control=address), "--allow-remote"]) == 1
    assert "is not a loopback address; the control plane accepts callers on this host only" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", OPEN)
def test_a_listener_that_others_reach_needs_a_word_of_consent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], credentials: str, address: str
) -> None:
    assert main(options(tmp_path, credentials=credentials, listener=address)) == 1
    assert "is not a loopback address; add --allow-remote to allow it" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_directory_whose_sockets_haproxy_would_not_take_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], credentials: str
) -> None:
    directory = "/" + "d" * (LONGEST_PATH - len("//haproxy/n65535") + 1)
    assert main([*options(tmp_path, credentials=credentials), "--directory", directory]) == 1
    error = capsys.readouterr().err
    assert f"--directory {directory} is too long for the sockets in it by 1 characters; choose another" in error
    assert not Path(directory).exists()


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        (None, 0o600, "No such file or directory"),
        ("", 0o600, "has no aws_access_key_id with its aws_secret_access_key under [default]"),
        ("[default]\naws_access_key_id = A\n", 0o600, "has no aws_access_key_id with its aws_secret_access_key"),
        ("[default]\naws_secret_access_key = hunter2\nhunter2\n", 0o600, "has no aws_access_key_id with its"),
        ("[default]\naws_access_key_id = A\naws_secret_access_key = hunter2\n", 0o644, "is open to every user"),
    ],
)
def test_it_does_not_start_without_an_access_key_that_is_nobody_elses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, mode: int, said: str
) -> None:
    file = tmp_path / "credentials"
    if text is not None:
        file.write_text(text)
        file.chmod(mode)
    assert main(options(tmp_path)) == 1
    error = capsys.readouterr().err
    assert str(file) in error
    assert said in error
    assert "hunter2" not in error
    assert not (tmp_path / "state").exists()
