"""A program that calls the API, without a socket, and what it is told."""

from __future__ import annotations

import base64
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import jsonschema
from monitor.access.auth import BasicAuth
from monitor.access.tokens import FILE, Token, Tokens, digest_of, write_tokens
from monitor.access.users import ROLES, Users
from monitor.api.login import Login
from monitor.api.openapi import document
from monitor.api.operations import OPERATIONS
from monitor.api.rate import RateLimit
from monitor.api.registry import DESCRIPTION, registry
from monitor.api.registry import PATH as REGISTRY_PATH
from monitor.api.service import Api
from monitor.api.wsgi import with_api
from monitor.app import monitor_app
from monitor.client import Balancer
from monitor.sources import Sources

from tests.unit.monitor import samples
from tests.unit.monitor.access.accounts import plainly, write_accounts

URL = "/monitor/api/v1"
DOCUMENT = document(OPERATIONS, URL)
REGISTRY_URL = "/monitor/v0.1"
REGISTRY = registry()
REGISTRY_DOCUMENT = document(REGISTRY, REGISTRY_URL, DESCRIPTION)
VIEWER = "mcpt_view"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Told:
    """An answer; ``document`` is what its JSON says, None where it is none."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body) if self.body and "json" in self.headers["content-type"] else None


class Program:
    """Calls the API of a site below a directory. Its tokens are named as their scopes."""

    def __init__(
        self,
        directory: Path,
        *,
        limit: RateLimit | None = None,
        origins: tuple[str, ...] = (),
        public_registry: bool = False,
    ) -> None:
        self.directory = directory
        self.state_file = directory / "state.json"
        if not self.state_file.exists():
            self.state_file.write_text(json.dumps(samples.three_servers()))
        users = write_accounts(directory / "users.json", admin=("sesame", "admin"), guest=("looking", "view"))
        self.tokens_file = users.with_name(FILE)
        self.write_tokens({f"mcpt_{scope}": (scope, scope) for scope in ROLES})
        balancer = Balancer((), (ipaddress.ip_network("127.0.0.1"),), directory, directory)
        auth = BasicAuth(Users(users), plainly)
        self.sources = Sources(self.state_file, directory, directory / "templates")
        self.sources.refusals.file.parent.mkdir(exist_ok=True)
        login = Login(auth, Tokens(self.tokens_file), limit or RateLimit())
        apis = (
            Api(self.sources, login),
            Api(self.sources, login, registry(public_registry), REGISTRY_PATH, public_registry),
        )
        self._app = with_api(monitor_app(self.sources, "/monitor", auth, balancer), apis, "/monitor", balancer, origins)

    def write_tokens(self, tokens: Mapping[str, tuple[str, str]], lasting: timedelta | None = None) -> None:
        """The tokens that there are, by what is shown: the name and scope of each."""
        expires = datetime.now(UTC) + lasting if lasting is not None else None
        made = [Token(name, scope, digest_of(shown), LONG_AGO, expires) for shown, (name, scope) in tokens.items()]
        write_tokens(self.tokens_file, {each.name: each for each in made}, self.directory.stat().st_gid)

    def ask(
        self,
        path: str,
        method: str = "GET",
        *,
        token: str | None = VIEWER,
        password: str | None = None,
        body: Any = None,
        below: str = URL,
        **headers: str,
    ) -> Told:
        """Calls the operation at a path below another, which may have a query. Names of headers have _ for -."""
        address, _, query = path.partition("?")
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        environ: dict[str, Any] = {
            "PATH_INFO": below + address,
            "QUERY_STRING": query,
            "REQUEST_METHOD": method,
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_LENGTH": str(len(content)),
            "CONTENT_TYPE": headers.pop("content_type", "application/json") if content else "",
            "wsgi.input": BytesIO(content),
            **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
        }
        if password is not None:
            environ["HTTP_AUTHORIZATION"] = f"Basic {base64.b64encode(password.encode()).decode()}"
        elif token is not None:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        setup_testing_defaults(environ)
        begun: list[Any] = []
        pieces = self._app(environ, lambda status, found, _exc_info=None: begun.extend((status, found)))
        body_told = b"".join(pieces)
        told = Told(int(begun[0].split()[0]), {name.lower(): value for name, value in begun[1]}, body_told)
        check_declared(below, address, method, told)
        return told


def check_declared(below: str, path: str, method: str, told: Told) -> None:
    """Fails where an answer is not as the OpenAPI document says."""
    operations, described = (OPERATIONS, DOCUMENT) if below == URL else (REGISTRY, REGISTRY_DOCUMENT)
    operation = next((each for each in operations if each.method == method and each.form.fullmatch(path)), None)
    if operation is None or told.status == 500:
        assert told.status != 500
        return
    declared = described["paths"][operation.path][method.lower()]["responses"]
    assert str(told.status) in declared, f"{told.status} is not declared for {operation.name}"
    content = declared[str(told.status)].get("content")
    if content is None:
        assert not told.body
        return
    kind = told.headers["content-type"].partition(";")[0]
    assert kind in content
    if told.document is not None:
        schema = {**content[kind]["schema"], "components": described["components"]}
        jsonschema.Draft202012Validator(schema).validate(told.document)
