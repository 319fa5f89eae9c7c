"""The monitor's own styles and scripts, read once when it starts."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from monitor.web import Answer, Request

HERE = Path(__file__).parent / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_YEAR_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True)
class _File:
    content: bytes
    content_type: str
    digest: str
    integrity: str


def _read(path: Path) -> _File:
    content = path.read_bytes()
    whole = hashlib.sha256(content)
    integrity = f"sha256-{base64.b64encode(whole.digest()).decode()}"
    return _File(content, _TYPES[path.suffix], whole.hexdigest()[:16], integrity)


_FILES = {path.name: _read(path) for path in sorted(HERE.iterdir()) if path.suffix in _TYPES}


def static_url(base: str, name: str) -> str:
    """The URL of a file, another one as soon as the file is another. Raises KeyError."""
    return f"{base}/static/{name}?v={_FILES[name].digest}"


def integrity(name: str) -> str:
    """What a browser compares the file with, so that no service worker puts another in its place. Raises KeyError.

    https://www.w3.org/TR/sri/
    """
    return _FILES[name].integrity


def static_file(request: Request) -> Answer | None:
    """The file that the path names; None where there is none. Under the URL of its own content it never changes."""
    file = _FILES.get(request.arguments["name"])
    if file is None:
        return None
    etag = f'"{file.digest}"'
    lasting = request.asked("v") == file.digest
    headers = {"ETag": etag, "Cache-Control": f"public, max-age={_YEAR_SECONDS}, immutable" if lasting else "no-cache"}
    if etag in request.headers.get("if-none-match", ""):
        return Answer(b"", 304, file.content_type, headers)
    return Answer(file.content, 200, file.content_type, headers, may_be_compressed=True)
