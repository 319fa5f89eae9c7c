# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures of images as cosign makes them with a key.

https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md: the payload names the image's digest, and ECDSA on
P-256 with SHA-256 signs the payload. Transparency logs and certificates are not looked at: the key is all that counts.
"""

from __future__ import annotations

import base64
import binascii
import json
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CRYPTOGRAPHY_ERROR: str | None = None
try:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
except ImportError:
    CRYPTOGRAPHY_ERROR = traceback.format_exc()  # main() says so

PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"
ANNOTATION = "dev.cosignproject.cosign/signature"
_TYPE = "cosign container image signature"


class SignatureError(Exception):
    """An image cannot be taken for signed; the sentence says why and what to do."""


@dataclass(frozen=True)
class Signature:
    """A payload and its signature in base64, as they stand in a registry."""

    payload: bytes
    signature: str


def read_key(path: str) -> Any:
    """Returns the public key in a PEM file. Raises SignatureError."""
    try:
        with open(path, "rb") as file:
            key = load_pem_public_key(file.read())
    except OSError as error:
        raise SignatureError(f"the key {path} cannot be read: {error.strerror}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SignatureError(
            f"{path} is not a public key in PEM; use the cosign.pub of cosign generate-key-pair"
        ) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SignatureError(f"the key {path} is not an ECDSA key on P-256, as cosign generate-key-pair makes them")
    return key


def is_signed(key: Any, digest: str, signature: Signature) -> bool:
    """Returns whether the key has signed the image of this digest."""
    try:
        key.verify(base64.b64decode(signature.signature, validate=True), signature.payload, ec.ECDSA(SHA256()))
        critical = _mapping(_mapping(json.loads(signature.payload)).get("critical"))
    except (InvalidSignature, binascii.Error, ValueError, RecursionError):
        return False
    # The payload also tells a repository, which the specification says to ignore: images are copied.
    named = _mapping(critical.get("image")).get("docker-manifest-digest")
    return critical.get("type") == _TYPE and named == digest


def tag_of(digest: str) -> str:
    """Returns the tag under which a registry holds the signatures of an image."""
    return f"{digest.replace(':', '-')}.sig"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
