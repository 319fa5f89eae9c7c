"""Clients of the official SDKs log in by themselves: all they know is a server's address.

Real are the local ALB with its tokens, the monitor, the bridge with an MCP server behind it, an authorization server
that others wrote and certified (oidc-provider), and the SDKs. The test itself is the browser of the user.
"""

from __future__ import annotations

import html
import http.client
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.backend import AlbBackend
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Options
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.authentication import Jwt
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import Routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.security import Security
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.endpoint import Endpoint
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.balancer import ControlPlane
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.topology import Hop, Installation, hops_to
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.login import login_document
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.step import Step
from local_alb.data_plane.certificates import make_local
from local_alb.model.tls import LOCAL_CERTIFICATE_ARN

from tests.conformance import run as conformance
from tests.conformance.node import CACHE, package
from tests.e2e.support.local_alb import BALANCER_ARN, FILES, LocalAlb, running
from tests.e2e.support.ports import free_port
from tests.e2e.support.waiting import until
from tests.unit.bridge.client import start
from tests.unit.monitor.access.accounts import write_accounts

SUPPORT = Path(__file__).parent / "support"
SERVER = [sys.executable, str(Path(conformance.__file__).resolve().parent / "server.py")]
SCOPE = "mcp offline_access"
PAGE = "https://app.example.com"
AUTH = {"time": "jwt", "brief": "jwt", "plain": None}
"""Tokens for the server ``brief`` expire after two seconds."""


class TrustingAlb(LocalAlb):
    """Its control plane trusts the authorization server's certificate."""

    def environment(self) -> dict[str, str]:
        return {"SSL_CERT_FILE": str(certificate(self.root))}


def certificate(root: Path) -> Path:
    """The local ALB's own certificate, which the authorization server has as well."""
    return root / "state/certificates/local.pem"


@dataclass
class Site:
    """Everything that a client meets."""

    url: str
    issuer: str
    trusted: Path
    alb: LocalAlb
    hop: Hop

    @property
    def environment(self) -> dict[str, str]:
        """For clients: whom they trust."""
        return {**os.environ, "SSL_CERT_FILE": str(self.trusted), "NODE_EXTRA_CA_CERTS": str(self.trusted)}

    def ask(self, path: str, method: str = "GET", headers: dict[str, str] | None = None, body: Any = None) -> Any:
        """The answer to a request through the balancer, and its body. ``body`` is sent in chunks if it is no text."""
        where = urlsplit(self.url)
        context = ssl.create_default_context(cafile=str(self.trusted))
        connection = http.client.HTTPSConnection("localhost", where.port, timeout=20, context=context)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer, body


@contextmanager
def process(command: list[str], **more: Any) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(command, text=True, start_new_session=True, **more)
    try:
        yield started
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)  # node may be the child of a program that only starts it
        started.wait()


@contextmanager
def authorization_server(pem: Path) -> Iterator[str]:
    folder, port = CACHE / "oidc-provider", free_port()
    environment = package(folder, "oidc-provider@9")
    script = folder / "authorization_server.mjs"  # modules are looked for beside the script
    shutil.copy(SUPPORT / script.name, script)
    with process(["node", str(script), str(port), str(pem)], stdout=subprocess.PIPE, env=environment) as server:
        assert server.stdout is not None
        until(lambda: server.stdout.readline().strip() == "ready", "the authorization server listens")
        yield f"https://localhost:{port}"


@contextmanager
def monitor(root: Path) -> Iterator[int]:
    port = free_port()
    users = write_accounts(root / "users.json", admin=("sesame", "view"))
    command = [sys.executable, "-m", "monitor", "--state", str(root / "state.json"), "--directory", str(root)]
    command += ["--bind", f"127.0.0.1:{port}", "--users", str(users)]
    with process(command, cwd=FILES):
        yield port


def endpoint(name: str, port: int, **said: Any) -> Endpoint:
    return Endpoint(
        name, "5f1c", "41af", "127.0.0.1", port, (port,), f"/mcp/{name}", "/mcp", f"/mcp/{name}/health", "200", False,
        None, "running", **said,
    )  # fmt: skip


def settings_for(issuer: str, port: int) -> Settings:
    return Settings(
        routes=Routes(health_interval=5, health_timeout=2, deregistration_delay=1),
        jwt=Jwt(issuer, f"{issuer}/jwks", f"https://localhost:{port}{{path}}", SCOPE),
        security=Security(allowed_origins=(PAGE,)),
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("login")
    pem = certificate(root)
    pem.parent.mkdir(parents=True)
    make_local(pem)
    with (
        running(TrustingAlb(root, "--allowed-origin", PAGE)) as alb,
        authorization_server(pem) as issuer,
        monitor(root) as monitor_port,
    ):
        listener = alb.client.create_listener(
            LoadBalancerArn=BALANCER_ARN,
            Protocol="HTTPS",
            Port=free_port(),
            Certificates=[{"CertificateArn": LOCAL_CERTIFICATE_ARN}],
            SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
        )["Listeners"][0]
        bridges = {name: start(command=SERVER, path=f"/mcp/{name}") for name in AUTH}
        settings = settings_for(issuer, listener["Port"])
        control = ControlPlane(alb.endpoint_url, str(alb.credentials))
        (hop,) = hops_to(
            settings,
            [endpoint(name, bridge.port, auth=AUTH[name]) for name, bridge in bridges.items()],
            Installation(monitor_port, control, control, 0, "/"),
        )
        hop = replace(hop, balancer=replace(hop.balancer, listener_arn=listener["ListenerArn"]))
        told = AlbBackend(settings, Options(wait_timeout=60)).converge(hop)
        assert (told.failure, told.errors) == (None, []), told
        config = Step("config", {"servers": [{"name": name, "auth": auth} for name, auth in AUTH.items()]})
        document = login_document({"id": "r1"}, settings.to_dict(), config, None)
        (root / "login.json").write_text(json.dumps(document))
        alb.settled()
        yield Site(f"https://localhost:{listener['Port']}/mcp/time/mcp", issuer, pem, alb, hop)
        for bridge in bridges.values():
            bridge.stop()


class StayHere(urllib.request.HTTPRedirectHandler):
    """Leaves redirects to whoever asks."""

    def redirect_request(self, *_: Any) -> None:
        return None


def browse(url: str, trusted: Path) -> str:
    """Signs in and agrees to everything, as a person does; returns where the browser is sent at last."""
    context = ssl.create_default_context(cafile=str(trusted))
    cookies = urllib.request.HTTPCookieProcessor(CookieJar())
    browser = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), cookies, StayHere())
    form: bytes | None = None
    for _ in range(20):
        try:
            answer = browser.open(url, form, timeout=20)
        except HTTPError as error:
            if error.code // 100 != 3:
                raise AssertionError(error.read().decode()) from error
            url, form = urljoin(url, error.headers["Location"]), None
            if url.startswith("http://127.0.0.1:9/"):
                return url
            continue
        text = answer.read().decode()
        prompt = re.search(r'name="prompt" value="(\w+)"', text)
        action = re.search(r'action="([^"]+)"', text)
        assert prompt, text
        assert action, text
        url = urljoin(url, html.unescape(action[1]))
        form = urlencode({"prompt": prompt[1], "login": "alice", "password": "any"}).encode()
    raise AssertionError("the browser was sent in a circle")


def logged_in(site: Site, command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """What a client prints that was shown through its login, and where its user was sent for that."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with process(command, env=environment, **pipes) as client:
        asked = said_by(client)["open"]
        assert client.stdin is not None
        client.stdin.write(browse(asked, site.trusted) + "\n")
        client.stdin.flush()
        return {**said_by(client), "asked": asked}


def said_by(client: subprocess.Popen[str]) -> dict[str, Any]:
    """The next line that a client prints."""
    assert client.stdout is not None
    assert client.stderr is not None
    line = client.stdout.readline()
    if not line:
        raise AssertionError(client.stderr.read())
    said: dict[str, Any] = json.loads(line)
    return said


def client(generation: str) -> tuple[list[str], dict[str, str]]:
    if generation == "python":
        return [sys.executable, str(SUPPORT / "login_client.py")], {}
    name = {"sdk": "@modelcontextprotocol/sdk@1", "client": "@modelcontextprotocol/client@2"}[generation]
    folder = CACHE / f"login-{generation}"
    environment = package(folder, name)
    script = folder / "login_client.mjs"
    shutil.copy(SUPPORT / script.name, script)
    return ["node", str(script)], {"PATH": environment["PATH"]}


@pytest.mark.parametrize("generation", ["python", "client", "sdk"])
def test_a_client_finds_where_to_log_in_and_is_let_in(site: Site, generation: str) -> None:
    command, more = client(generation)
    arguments = [site.url] if generation == "python" else [site.url, generation]

    told = logged_in(site, [*command, *arguments], {**site.environment, **more})

    assert (told["server"], told["tools"]) == ("conformance", 16)
    asked = urlsplit(told["asked"])
    assert f"{asked.scheme}://{asked.netloc}" == site.issuer
    assert parse_qs(asked.query)["resource"] == [site.url]


@pytest.mark.parametrize("generation", ["client", "sdk"])
def test_a_client_whose_token_has_expired_renews_it_without_its_user(site: Site, generation: str) -> None:
    command, more = client(generation)
    url = site.url.replace("/time/", "/brief/")

    told = logged_in(site, [*command, url, generation, "4"], {**site.environment, **more})

    assert (told["tools"], told["renewed"]) == (16, True)


def test_who_has_no_token_is_told_where_the_metadata_is_and_finds_the_issuer_there(site: Site) -> None:
    answer, _ = site.ask("/mcp/time/mcp", "POST")
    told = answer.getheader("WWW-Authenticate") or ""
    where = re.fullmatch(rf'Bearer resource_metadata="([^"]+)", scope="{SCOPE}"', told)
    assert answer.status == 401
    assert where, answer.getheaders()

    found, body = site.ask(urlsplit(where[1]).path)

    assert found.status == 200
    assert json.loads(body)["resource"] == site.url
    assert json.loads(body)["authorization_servers"] == [site.issuer]


@pytest.mark.parametrize("body", ["x" * 100_000, [b"{}"], [b"x" * 50_000] * 3])
def test_whatever_a_client_sends_without_a_token_and_however_it_is_told(site: Site, body: Any) -> None:
    answer, _ = site.ask("/mcp/time/mcp", "POST", {"Content-Type": "application/json"}, body)
    assert answer.status == 401
    assert "resource_metadata" in (answer.getheader("WWW-Authenticate") or "")


def test_a_wrong_token_is_refused_and_its_bearer_finds_the_metadata_at_the_well_known_places(site: Site) -> None:
    answer, _ = site.ask("/mcp/time/mcp", "POST", {"Authorization": "Bearer made.up.token"})
    assert answer.status == 401
    for path in ("/.well-known/oauth-protected-resource/mcp/time/mcp", "/.well-known/oauth-protected-resource"):
        found, body = site.ask(path)
        assert found.status == 200
        assert json.loads(body)["authorization_servers"] == [site.issuer]


def test_a_token_is_good_for_the_server_that_it_was_made_for_alone(site: Site) -> None:
    command, _ = client("python")
    token = logged_in(site, [*command, site.url], site.environment)["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert site.ask("/mcp/time/health", headers=bearer)[0].status == 200
    assert site.ask("/mcp/brief/health", headers=bearer)[0].status == 401


def test_servers_without_tokens_are_as_they_were(site: Site) -> None:
    assert site.ask("/mcp/plain/health")[0].status == 200
    assert site.ask("/.well-known/oauth-protected-resource/mcp/plain/mcp")[0].status == 404
    assert site.ask("/mcp/unknown/mcp")[0].status == 404


def test_nothing_but_the_two_rules_is_added(site: Site) -> None:
    listener = site.hop.balancer.listener_arn
    rules = [each for each in site.alb.client.describe_rules(ListenerArn=listener)["Rules"] if not each["IsDefault"]]
    assert len(rules) == len(AUTH) + 3  # and the monitor's
    assert len(site.alb.client.describe_target_groups()["TargetGroups"]) == len(AUTH) + 1


def test_a_page_of_an_allowed_origin_is_let_through_by_its_preflight_and_others_are_not(site: Site) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    allowed, _ = site.ask("/mcp/time/mcp", "OPTIONS", {**asked, "Origin": PAGE})
    refused, _ = site.ask("/mcp/time/mcp", "OPTIONS", {**asked, "Origin": "https://elsewhere.example"})
    assert (allowed.status, allowed.getheader("Access-Control-Allow-Origin")) == (204, PAGE)
    assert (refused.status, refused.getheader("Access-Control-Allow-Origin")) == (403, None)
