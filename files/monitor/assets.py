"""The monitor's own styles and scripts, read once when it starts."""

from __future__ import annotations

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


def _read(path: Path) -> _File:
    content = path.read_bytes()
    return _File(content, _TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:16])


_FILES = {path.name: _read(path) for path in sorted(HERE.iterdir()) if path.suffix in _TYPES}


def static_url(base: str, name: str) -> str:
    """The URL of a file, another one as soon as the file is another. Raises KeyError."""
    return f"{base}/static/{name}?v={_FILES[name].digest}"


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
