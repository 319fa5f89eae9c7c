"""Who may call the control plane: whoever holds its access key, and nobody else."""

from __future__ import annotations

import hashlib
import logging
import stat
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from local_alb.api.credentials import Credentials, main, read_credentials
from local_alb.api.dispatch import Api
from local_alb.api.signature import Request, check_signature
from local_alb.data_plane.health import HealthBook
from local_alb.errors import ApiError
from local_alb.model.state_file import StateFile
from local_alb.model.store import Store
from local_alb.model.world import World
from local_alb.operations.context import Context

from tests.unit.local_alb.inprocess import KEY, LISTENER, Alb, signed

FORM = "Action=DescribeRules&Version=2015-12-01"
LIMITS = "Action=DescribeAccountLimits&Version=2015-12-01"


def refused(request: Request, key: Credentials = KEY, later: float = 0) -> tuple[str, int]:
    """Code and status of the answer to a request that came so many seconds after it was signed."""
    with pytest.raises(ApiError) as refusal:
        check_signature(request, key, time.time() + later)
    assert KEY.secret not in refusal.value.message
    return refusal.value.code, refusal.value.status


def with_header(request: Request, name: str, value: str | None) -> Request:
    """The request with another value of a header, or without it."""
    kept = [pair for pair in request.headers if pair[0].lower() != name.lower()]
    return replace(request, headers=[*kept, *([] if value is None else [(name, value)])])


@given(st.text(max_size=40), st.sampled_from(["GET", "POST"]))
def test_what_botocore_signs_is_taken(text: str, method: str) -> None:
    check_signature(signed(f"{FORM}&Marker={quote(text)}", method=method), KEY, time.time())


@pytest.mark.parametrize(
    ("authorization", "answer"),
    [
        (None, ("MissingAuthenticationToken", 403)),
        ("Basic YTpi", ("IncompleteSignature", 400)),
        ("AWS4-HMAC-SHA256 Credential=x", ("IncompleteSignature", 400)),
    ],
)
def test_a_request_without_an_aws_signature_is_refused(authorization: str | None, answer: tuple[str, int]) -> None:
    assert refused(with_header(signed(FORM), "Authorization", authorization)) == answer


def test_an_access_key_that_is_not_known_is_refused() -> None:
    assert refused(signed(FORM, Credentials("y", KEY.secret))) == ("InvalidClientTokenId", 403)


def test_a_signature_by_another_secret_is_refused() -> None:
    assert refused(signed(FORM, Credentials(KEY.access_key_id, "z"))) == ("SignatureDoesNotMatch", 403)


@pytest.mark.parametrize(
    "changed",
    [
        lambda request: replace(request, body=request.body.replace(b"DescribeRules", b"DeleteListener")),
        lambda request: replace(request, target="/?Action=DeleteListener"),
        lambda request: replace(request, method="PUT"),
        lambda request: with_header(request, "Host", "127.0.0.1:8483"),
        lambda request: with_header(request, "Host", None),
        lambda request: with_header(request, "X-Amz-Target", "unsigned"),
    ],
    ids=["body", "target", "method", "host", "no host", "a header of AWS's"],
)
def test_a_request_that_is_not_what_was_signed_is_refused(changed) -> None:
    assert refused(changed(signed(FORM))) == ("SignatureDoesNotMatch", 403)


def test_a_signature_for_another_service_is_refused() -> None:
    request = signed(FORM)
    header = (request.header("authorization") or "").replace("elasticloadbalancing", "s3")
    assert refused(with_header(request, "Authorization", header)) == ("SignatureDoesNotMatch", 403)


def test_a_signature_that_leaves_the_host_out_is_refused() -> None:
    request = signed(FORM)
    header = (request.header("authorization") or "").replace("host;", "")
    assert refused(with_header(request, "Authorization", header)) == ("SignatureDoesNotMatch", 403)


@pytest.mark.parametrize("later", [-240, 240])
def test_clocks_may_be_some_minutes_apart(later: float) -> None:
    check_signature(signed(FORM), KEY, time.time() + later)


@pytest.mark.parametrize(
    ("later", "answer"),
    [
        (360, ("SignatureDoesNotMatch", 403)),
        (-360, ("SignatureDoesNotMatch", 403)),
        (1000, ("RequestExpired", 400)),
        (-1000, ("RequestExpired", 400)),
    ],
)
def test_a_request_of_another_time_is_refused(later: float, answer: tuple[str, int]) -> None:
    assert refused(signed(FORM), later=later) == answer


def test_a_request_without_its_time_is_refused() -> None:
    assert refused(with_header(signed(FORM), "X-Amz-Date", None)) == ("IncompleteSignature", 400)
    assert refused(with_header(signed(FORM), "X-Amz-Date", "19990101T000000Z")) == ("SignatureDoesNotMatch", 403)


def test_the_digest_of_the_body_is_checked_where_it_is_told() -> None:
    check_signature(signed(FORM, X_Amz_Content_SHA256=hashlib.sha256(FORM.encode()).hexdigest()), KEY, time.time())
    for told in ("UNSIGNED-PAYLOAD", hashlib.sha256(b"other").hexdigest()):
        assert refused(signed(FORM, X_Amz_Content_SHA256=told)) == ("SignatureDoesNotMatch", 403)


def test_a_refused_request_changes_nothing(alb: Alb) -> None:
    form = f"Action=DeleteListener&Version=2015-12-01&ListenerArn={LISTENER}"
    request = signed(form, Credentials(KEY.access_key_id, "z"))
    answer = alb.api.answer(request)
    assert answer.status == 403
    assert "<Code>SignatureDoesNotMatch</Code>" in answer.body
    assert LISTENER in alb.store.world.listeners


def test_a_made_access_key_is_random_and_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    made = []
    for _ in range(2):
        assert main([str(file)]) == 0
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        made.append(read_credentials(file))
    assert made[0].secret != made[1].secret
    assert len(made[0].secret) == 40
    assert made[0].secret not in repr(made[0])
    assert [path.name for path in tmp_path.iterdir()] == ["credentials"]


def test_a_replaced_access_key_keeps_who_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    main([str(file)])
    file.chmod(0o640)
    main([str(file)])
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_reading_the_key_is_no_news_for_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    main([str(tmp_path / "credentials")])
    with caplog.at_level(logging.INFO):
        read_credentials(tmp_path / "credentials")
    assert caplog.messages == []


def test_a_key_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere" / "credentials")]) == 1
    assert "cannot be written: No such file or directory" in capsys.readouterr().err


def test_another_access_key_is_the_one_that_counts_from_the_next_request_on(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    main([str(file)])
    store = Store(World(), StateFile(tmp_path / "state"))
    api = Api(store, lambda now: Context(now, HealthBook()), lambda: read_credentials(file))
    before = read_credentials(file)
    assert api.answer(signed(LIMITS, before)).status == 200
    main([str(file)])
    assert api.answer(signed(LIMITS, before)).status == 403
    assert api.answer(signed(LIMITS, read_credentials(file))).status == 200
    file.unlink()
    answer = api.answer(signed(LIMITS, before))
    assert (answer.status, "<Code>InvalidClientTokenId</Code>" in answer.body) == (403, True)


def test_a_signature_may_name_any_region() -> None:
    check_signature(signed(FORM, region="eu-central-1"), KEY, time.time())
