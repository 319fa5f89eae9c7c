# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.signature.cosign import (
    Signature,
    SignatureError,
    is_signed,
    read_key,
    tag_of,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.signature.registry import Reference
from ansible_collections.mcp.orchestrator.plugins.module_utils.signature.verify import Verified, verify_images
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

ONE, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
OURS, FOREIGN = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


def signed(digest: str, key: Any = OURS, **critical: Any) -> Signature:
    named = {"image": {"docker-manifest-digest": digest}, "type": "cosign container image signature"}
    payload = json.dumps({"critical": {**named, "identity": {"docker-reference": ""}, **critical}, "optional": None})
    signature = key.sign(payload.encode(), ec.ECDSA(SHA256()))
    return Signature(payload.encode(), base64.b64encode(signature).decode())


class Simulated:
    """A registry with one repository: what its tags name, and who signed which digest."""

    def __init__(self, tags: Mapping[str, str], *signatures: tuple[str, Signature]) -> None:
        self.tags, self.signatures, self.asked = dict(tags), list(signatures), 0
        self.is_down = False

    def __call__(self, reference: Reference) -> Simulated:
        self.asked += 1
        return self

    def __enter__(self) -> Simulated:
        if self.is_down:
            raise SignatureError("the registry cannot be reached")
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def digest(self, tag: str) -> str:
        return self.tags[tag]

    def manifest(self, tag: str) -> Mapping[str, Any] | None:
        layers = [
            {
                "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
                "digest": f"sha256:{hashlib.sha256(each.payload).hexdigest()}",
                "annotations": {"dev.cosignproject.cosign/signature": each.signature},
            }
            for digest, each in self.signatures
            if tag_of(digest) == tag
        ]
        return {"layers": [7, {"mediaType": "x"}, *layers]} if layers else None

    def blob(self, digest: str) -> bytes | None:
        payloads = {hashlib.sha256(each.payload).hexdigest(): each.payload for _digest, each in self.signatures}
        return payloads.get(digest.partition(":")[2])


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    path = tmp_path / "release.pub"
    path.write_bytes(OURS.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return str(path)


def verify(
    registry: Simulated, tmp_path: Path, key_file: str | None, dry_run: bool = False, **options: Any
) -> Verified:
    spec = Spec(**{"name": "a", "image": "r.example.com/x/y:1", "signature_key": key_file, **options})
    return verify_images([spec.with_generation()], str(tmp_path / "signatures"), dry_run=dry_run, connect=registry)


def test_a_signed_image_runs_by_its_digest(tmp_path: Path, key_file: str) -> None:
    result = verify(Simulated({"1": ONE}, (ONE, signed(ONE))), tmp_path, key_file)
    assert [spec.image for spec in result.servers] == [f"r.example.com/x/y@{ONE}"]
    assert not result.errors
    assert result.servers[0].generation == result.servers[0].with_generation().generation
    assert result.after == f"r.example.com/x/y:1: {ONE} is signed by {key_file}\n"


@pytest.mark.parametrize(
    "signatures",
    [
        [],
        [(ONE, signed(ONE, FOREIGN))],
        [(ONE, signed(OTHER))],
        [(OTHER, signed(OTHER))],
        [(ONE, signed(ONE, type="atomic container signature"))],
        [(ONE, replace(signed(ONE), signature="not base64"))],
        [(ONE, replace(signed(ONE), signature=""))],
        [(ONE, replace(signed(ONE), payload=signed(ONE).payload + b" "))],
    ],
    ids=["none", "by another key", "of another image", "elsewhere", "another type", "no base64", "empty", "changed"],
)
def test_an_image_that_the_key_has_not_signed_does_not_run(
    tmp_path: Path, key_file: str, signatures: list[tuple[str, Signature]]
) -> None:
    result = verify(Simulated({"1": ONE}, *signatures), tmp_path, key_file)
    assert not result.servers
    assert [error["server"] for error in result.errors] == ["a"]
    assert f"has no signature by {key_file}: sign it (cosign sign --key)" in result.errors[0]["message"]
    assert not (tmp_path / "signatures").exists()


def test_one_signature_of_several_is_enough(tmp_path: Path, key_file: str) -> None:
    registry = Simulated({"1": ONE}, (ONE, signed(ONE, FOREIGN)), (ONE, signed(ONE)))
    assert verify(registry, tmp_path, key_file).servers


def test_what_was_verified_stays_without_another_question_and_is_verified_again(tmp_path: Path, key_file: str) -> None:
    registry = Simulated({"1": ONE}, (ONE, signed(ONE)))
    first = verify(registry, tmp_path, key_file)
    registry.tags["1"], registry.is_down = OTHER, True
    again = verify(registry, tmp_path, key_file)
    assert again.servers == first.servers
    assert (again.errors, again.after, registry.asked) == ([], "", 1)
    # A key that has signed nothing, in the place of the other: what is kept is no proof any more.
    Path(key_file).write_bytes(FOREIGN.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert not verify(registry, tmp_path, key_file).servers


def test_a_forged_file_of_evidence_proves_nothing(tmp_path: Path, key_file: str) -> None:
    registry = Simulated({"1": ONE}, (ONE, signed(ONE)))
    verify(registry, tmp_path, key_file)
    (file,) = (tmp_path / "signatures").iterdir()
    kept = json.loads(file.read_text())
    registry.is_down = True
    for forged in ({**kept, "digest": OTHER}, {**kept, "signature": "AAAA"}, {}, [], {**kept, "payload": 7}):
        file.write_text(json.dumps(forged))
        assert not verify(registry, tmp_path, key_file).servers


def test_with_pull_always_a_new_signed_image_takes_over_and_an_unsigned_one_does_not(
    tmp_path: Path, key_file: str
) -> None:
    registry = Simulated({"1": ONE}, (ONE, signed(ONE)))
    verify(registry, tmp_path, key_file, pull="always")
    registry.tags["1"] = OTHER
    unsigned = verify(registry, tmp_path, key_file, pull="always")
    assert [spec.image for spec in unsigned.servers] == [f"r.example.com/x/y@{ONE}"]
    assert "has no signature" in unsigned.errors[0]["message"]
    registry.signatures.append((OTHER, signed(OTHER)))
    taken = verify(registry, tmp_path, key_file, pull="always")
    assert [spec.image for spec in taken.servers] == [f"r.example.com/x/y@{OTHER}"]
    assert not taken.errors
    registry.is_down = True
    down = verify(registry, tmp_path, key_file, pull="always")
    assert down.servers == taken.servers
    assert "the registry cannot be reached" in down.errors[0]["message"]


def test_an_image_named_by_digest_is_that_one_or_none(tmp_path: Path, key_file: str) -> None:
    registry = Simulated({}, (ONE, signed(ONE)))
    result = verify(registry, tmp_path, key_file, image=f"r.example.com/x/y:1@{ONE}")
    assert [spec.image for spec in result.servers] == [f"r.example.com/x/y@{ONE}"]
    assert not verify(registry, tmp_path, key_file, image=f"r.example.com/x/y:1@{OTHER}").servers


@pytest.mark.parametrize(
    "options",
    [{"signature_key": None}, {"enabled": False}, {"pull": "never"}, {"build": {"runtime": "node", "package": "x"}}],
    ids=["not asked for", "disabled", "put here", "built here"],
)
def test_what_is_not_pulled_or_not_asked_for_stays_as_it_is(
    tmp_path: Path, key_file: str, options: dict[str, Any]
) -> None:
    registry = Simulated({})
    result = verify(registry, tmp_path, key_file, **options)
    assert [spec.image for spec in result.servers] == ["r.example.com/x/y:1"]
    assert not registry.asked


def test_check_mode_verifies_and_keeps_nothing(tmp_path: Path, key_file: str) -> None:
    result = verify(Simulated({"1": ONE}, (ONE, signed(ONE))), tmp_path, key_file, dry_run=True)
    assert result.after
    assert not (tmp_path / "signatures").exists()


def test_evidence_is_roots_alone_and_goes_with_its_server(tmp_path: Path, key_file: str) -> None:
    registry = Simulated({"1": ONE}, (ONE, signed(ONE)))
    verify(registry, tmp_path, key_file)
    folder = tmp_path / "signatures"
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
    assert {oct(file.stat().st_mode & 0o777) for file in folder.iterdir()} == {"0o600"}
    verify(registry, tmp_path, None)
    assert not list(folder.iterdir())


def test_a_key_that_is_none_is_an_error_that_names_it(tmp_path: Path) -> None:
    other = tmp_path / "other.pub"
    other.write_bytes(
        ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    (tmp_path / "text.pub").write_text("none")
    for name, reason in (
        ("missing.pub", "cannot be read: No such file or directory"),
        ("text.pub", "is not a public key in PEM"),
        ("other.pub", "is not an ECDSA key on P-256"),
    ):
        with pytest.raises(SignatureError, match=reason):
            read_key(str(tmp_path / name))
        result = verify(Simulated({}), tmp_path, str(tmp_path / name))
        assert not result.servers
        assert reason in result.errors[0]["message"]


@given(st.binary(max_size=100), st.text(max_size=100))
def test_noise_is_no_signature(payload: bytes, signature: str) -> None:
    assert not is_signed(OURS.public_key(), ONE, Signature(payload, signature))


@pytest.mark.parametrize("payload", [b"[]", b'"x"', b'{"critical": 7}', b'{"critical": {"image": []}}', b"[" * 9999])
def test_a_signed_payload_of_another_form_is_no_signature(payload: bytes) -> None:
    signature = base64.b64encode(OURS.sign(payload, ec.ECDSA(SHA256()))).decode()
    assert not is_signed(OURS.public_key(), ONE, Signature(payload, signature))
