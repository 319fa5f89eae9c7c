"""Keys of token issuers: JSON Web Key Sets, fetched over HTTPS and kept until they are due again.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-verify-jwt.html.
RS256 only, a reply of at most 150 KB, at most 10 keys; a set beyond these limits validates nothing.
"""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
import urllib.request
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any

from local_alb.haproxy.tokens import Keys
from local_alb.model.world import World

log = logging.getLogger("local_alb")

MAX_BYTES = 150_000
MAX_KEYS = 10
FETCH_TIMEOUT = 5.0  # seconds
REFRESH = 300.0
RETRY = 5.0


def public_keys(document: Any) -> dict[str, str]:
    """Returns the RS256 keys of a key set as PEM, by their ids. Raises ValueError where the set is not acceptable."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("the reply is not a key set")
    if len(entries) > MAX_KEYS:
        raise ValueError(f"the key set has more than {MAX_KEYS} keys")
    keys = {}
    for entry in entries:
        usable = isinstance(entry, dict) and entry.get("kty") == "RSA" and entry.get("use", "sig") == "sig"
        if not usable or entry.get("alg", "RS256") != "RS256" or not _is_plain(entry.get("kid")):
            continue
        numbers = RSAPublicNumbers(_number(entry.get("e")), _number(entry.get("n")))
        keys[entry["kid"]] = (
            numbers.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )
    return keys


def _is_plain(key_id: object) -> bool:
    return isinstance(key_id, str) and 0 < len(key_id) <= 256 and key_id.isprintable()


def _number(text: object) -> int:
    if not isinstance(text, str):
        raise ValueError("a key lacks its numbers")
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def endpoints(world: World) -> set[str]:
    """Returns the key sets that some rule or listener validates tokens with."""
    actions = [action for rule in world.rules.values() for action in rule.actions]
    actions += [action for listener in world.listeners.values() for action in listener.default_actions]
    return {action["JwtValidationConfig"]["JwksEndpoint"] for action in actions if action["Type"] == "jwt-validation"}


@dataclass
class _Entry:
    due: float
    keys: dict[str, str] = field(default_factory=dict)
    busy: bool = False


class KeySets:
    """Fetches key sets in the background; ``keys`` never waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}

    def keys(self, wanted: Set[str]) -> dict[str, Keys]:
        """Returns what is known of each endpoint now, an empty set where nothing is. Starts fetching what is due."""
        now = time.monotonic()
        with self._lock:
            self._entries = {url: self._entries.get(url, _Entry(due=now)) for url in sorted(wanted)}
            for url, entry in self._entries.items():
                if entry.due <= now and not entry.busy:
                    entry.busy = True
                    threading.Thread(target=self._fetch, args=(url, entry), daemon=True).start()
            return {url: dict(entry.keys) for url, entry in self._entries.items()}

    def _fetch(self, url: str, entry: _Entry) -> None:
        try:
            keys, pause = fetch(url), REFRESH
        except Exception as error:
            # Whatever an issuer answers, it is asked again. Tokens are refused rather than believed while their keys
            # are unknown; older keys stay good.
            log.error("the keys of %s cannot be fetched: %s", url, error or type(error).__name__)
            keys, pause = entry.keys, RETRY
        with self._lock:
            entry.keys, entry.due, entry.busy = keys, time.monotonic() + pause, False


def fetch(url: str) -> dict[str, str]:
    """Returns the usable keys behind ``url``.

    Raises ValueError for what is not acceptable, OSError and HTTPException where no whole answer comes.
    """
    if not url.startswith("https://"):
        raise ValueError("its address is without https")
    with urllib.request.urlopen(url, timeout=FETCH_TIMEOUT) as reply:  # noqa: S310
        if not reply.url.startswith("https://"):
            raise ValueError("it redirects to an address without https")
        content = reply.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"the reply is longer than {MAX_BYTES} bytes")
    return public_keys(json.loads(content))
