"""HTTPS listeners with a local certificate, and tokens that are validated with a local key set."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from local_alb.data_plane.certificates import make_local
from local_alb.model.tls import LOCAL_CERTIFICATE_ARN

from tests.e2e.support.local_alb import BALANCER_ARN, Document, LocalAlb, running
from tests.e2e.support.ports import free_port
from tests.e2e.support.upstream import Upstream
from tests.e2e.support.waiting import until

ISSUER = "https://issuer.example/"
KEY = rsa.generate_private_key(65537, 2048)
STRANGER = rsa.generate_private_key(65537, 2048)


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(key: rsa.RSAPrivateKey = KEY, kid: str = "k1", alg: str = "RS256", **claims: Any) -> str:
    """A signed token; a claim that is None is left out."""
    now = int(time.time())
    payload = {"iss": ISSUER, "exp": now + 60, "scope": "read write", "teams": ["a", "b"], "tenant": "blue", **claims}
    payload = {name: value for name, value in payload.items() if value is not None}
    head = encoded(json.dumps({"alg": alg, "kid": kid}).encode()) + "." + encoded(json.dumps(payload).encode())
    return f"{head}.{encoded(key.sign(head.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def key_set(*keys: tuple[str, rsa.RSAPrivateKey]) -> bytes:
    entries = []
    for kid, key in keys:
        numbers = key.public_key().public_numbers()
        entries.append({"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": number(numbers.n), "e": "AQAB"})
    return json.dumps({"keys": entries}).encode()


class TrustingHost(LocalAlb):
    """Its control plane trusts the local certificate, as it would the issuer's authority."""

    def environment(self) -> dict[str, str]:
        return {"SSL_CERT_FILE": str(self.root / "issuer.pem")}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAlb]:
    root = tmp_path_factory.mktemp("tls")
    make_local(root / "issuer.pem")
    with running(TrustingHost(root)) as host:
        yield host


@pytest.fixture(scope="module")
def listener(host: LocalAlb) -> Document:
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "MessageBody": "secure default"}}
    listener: Document = host.client.create_listener(
        LoadBalancerArn=BALANCER_ARN,
        Protocol="HTTPS",
        Port=free_port(),
        Certificates=[{"CertificateArn": LOCAL_CERTIFICATE_ARN}],
        SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
        DefaultActions=[answer],
    )["Listeners"][0]
    host.settled()
    return listener


def ask(host: LocalAlb, listener: Document, path: str, bearer: str | None = None) -> http.client.HTTPResponse:
    context = ssl.create_default_context(cafile=str(host.directory / "certificates" / "local.pem"))
    connection = http.client.HTTPSConnection("127.0.0.1", listener["Port"], timeout=10, context=context)
    connection.request("GET", path, headers={"Authorization": f"Bearer {bearer}"} if bearer else {})
    return connection.getresponse()


def test_an_https_listener_serves_its_certificate(host: LocalAlb, listener: Document) -> None:
    assert listener["Certificates"] == [{"CertificateArn": LOCAL_CERTIFICATE_ARN}]
    reply = ask(host, listener, "/nowhere")
    assert (reply.status, reply.read()) == (404, b"secure default")


def test_targets_learn_that_the_client_came_by_https(host: LocalAlb, listener: Document) -> None:
    group = host.group("plain", host.upstream("plain").port)
    host.rule(5, ["/plain"], group, ListenerArn=listener["ListenerArn"])
    host.healthy(group)
    headers = json.loads(ask(host, listener, "/plain").read())["headers"]
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-port"] == str(listener["Port"])


def test_a_renewed_certificate_is_served_without_being_told(host: LocalAlb, listener: Document) -> None:
    def served() -> str:
        return ssl.get_server_certificate(("127.0.0.1", listener["Port"]))

    before = served()
    make_local(host.directory / "certificates" / "local.pem")
    until(lambda: served() != before, "the new certificate is served")


@pytest.fixture(scope="module")
def guarded(host: LocalAlb, listener: Document) -> Iterator[str]:
    """The path of a rule that asks for a token."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(host.root / "issuer.pem")
    issuer = Upstream("issuer", tls=context, fixed=key_set(("k1", KEY)))
    config = {
        "JwksEndpoint": f"https://127.0.0.1:{issuer.port}/keys",
        "Issuer": ISSUER,
        "AdditionalClaims": [
            {"Format": "space-separated-values", "Name": "scope", "Values": ["read", "write"]},
            {"Format": "string-array", "Name": "teams", "Values": ["b"]},
            {"Format": "single-string", "Name": "tenant", "Values": ["blue"]},
        ],
    }
    group = host.group("guarded", host.upstream("guarded").port)
    host.rule(
        10,
        ["/guarded"],
        ListenerArn=listener["ListenerArn"],
        Actions=[
            {"Type": "jwt-validation", "Order": 1, "JwtValidationConfig": config},
            {"Type": "forward", "Order": 2, "TargetGroupArn": group},
        ],
    )
    host.healthy(group)
    until(lambda: ask(host, listener, "/guarded", token()).status == 200, "the keys are known")
    yield "/guarded"
    issuer.close()


def test_a_valid_token_passes_and_reaches_the_target(host: LocalAlb, listener: Document, guarded: str) -> None:
    bearer = token(nbf=int(time.time()) - 5, iat=int(time.time()) - 5)
    reply = ask(host, listener, guarded, bearer)
    assert reply.status == 200
    assert json.loads(reply.read())["headers"]["authorization"] == f"Bearer {bearer}"


@pytest.mark.parametrize(
    ("why", "bearer"),
    [
        ("no token", lambda: None),
        ("no token at all", lambda: "nonsense"),
        ("a stranger's key", lambda: token(key=STRANGER)),
        ("an unknown key", lambda: token(kid="k2")),
        ("no algorithm", lambda: token(alg="none").rsplit(".", 1)[0] + "."),
        ("another algorithm", lambda: token(alg="HS256")),
        ("another issuer", lambda: token(iss="https://elsewhere.example/")),
        ("no issuer", lambda: token(iss=None)),
        ("expired", lambda: token(exp=int(time.time()) - 5)),
        ("no expiry", lambda: token(exp=None)),
        ("not yet valid", lambda: token(nbf=int(time.time()) + 60)),
        ("issued later", lambda: token(iat=int(time.time()) + 60)),
        ("a scope too few", lambda: token(scope="read writer")),
        ("no scope", lambda: token(scope=None)),
        ("another team", lambda: token(teams=["a", "bb"])),
        ("another tenant", lambda: token(tenant="blues")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_any_other_token_is_refused(host: LocalAlb, listener: Document, guarded: str, why: str, bearer: Any) -> None:
    reply = ask(host, listener, guarded, bearer())
    assert reply.status == 401, why


def test_a_token_is_refused_while_its_issuers_keys_cannot_be_had(host: LocalAlb, listener: Document) -> None:
    config = {"JwksEndpoint": f"https://127.0.0.1:{free_port()}/keys", "Issuer": ISSUER}
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}, "Order": 2}
    guard = {"Type": "jwt-validation", "Order": 1, "JwtValidationConfig": config}
    host.rule(20, ["/unknown"], ListenerArn=listener["ListenerArn"], Actions=[guard, answer])
    host.settled()
    assert ask(host, listener, "/unknown", token()).status == 401


def test_a_certificate_that_is_not_there_is_not_found(host: LocalAlb) -> None:
    request = {
        "LoadBalancerArn": BALANCER_ARN,
        "Protocol": "HTTPS",
        "Port": free_port(),
        "Certificates": [{"CertificateArn": LOCAL_CERTIFICATE_ARN.replace("local", "other")}],
        "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}],
    }
    with pytest.raises(host.client.exceptions.CertificateNotFoundException):
        host.client.create_listener(**request)


def test_the_key_of_the_certificate_is_for_its_owner_only(host: LocalAlb, listener: Document) -> None:
    assert listener
    path: Path = host.directory / "certificates" / "local.pem"
    assert path.stat().st_mode & 0o077 == 0
