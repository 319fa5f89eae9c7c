# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the specs that ask for signed images to specs that name verified images by their digests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.signature.cosign import (
    ANNOTATION,
    PAYLOAD,
    Signature,
    SignatureError,
    is_signed,
    read_key,
    tag_of,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.signature.evidence import (
    Evidence,
    forget_others,
    keep_evidence,
    read_evidence,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.signature.registry import Reference, Registry

AT_ONCE = 8
MOST_SIGNATURES = 50


@dataclass
class Verified:
    """All servers that may run: those that asked for a signature by digest, the others as they are; and why not."""

    servers: list[Spec] = field(default_factory=list)
    errors: list[dict[str, str]] = field(default_factory=list)
    after: str = ""


@dataclass(frozen=True)
class _Answer:
    """The evidence for one image, ``fresh`` when it is from the registry just now; ``why`` not, or not a newer one."""

    evidence: Evidence | None = None
    fresh: bool = False
    why: str = ""


def asks_for_signature(spec: Spec) -> bool:
    """Returns whether a server's image has to be signed: what is built or put here is not pulled."""
    return bool(spec.signature_key) and spec.enabled and spec.build is None and spec.pull != "never"


def verify_images(
    specs: Sequence[Spec], folder: str, *, dry_run: bool, connect: Callable[[Reference], Any] = Registry
) -> Verified:
    """Verifies the images of all servers that ask for it; keeps the evidence in ``folder`` unless ``dry_run``.

    Without a signature a server is left out; where an earlier image of its name was signed, that one stays.
    """
    wanted = sorted({_question(each) for spec in specs for each in spec.parts if asks_for_signature(each)})
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = dict(zip(wanted, pool.map(lambda each: _answer(each, folder, connect), wanted), strict=True))
    result = Verified()
    for spec in specs:
        own, *required = (_by_digest(each, spec.name, answers, result) for each in spec.parts)
        if own is not None and None not in required:
            requires = tuple(each.to_short_dict() for each in required if each is not None)
            result.servers.append(replace(own, requires=requires))
    _keep(answers, folder, result, dry_run=dry_run)
    return result


def _by_digest(spec: Spec, server: str, answers: Mapping[_Question, _Answer], result: Verified) -> Spec | None:
    """A server or a requirement of one with the digest of an image that was signed; None where there is none."""
    if not asks_for_signature(spec):
        return spec
    answer = answers[_question(spec)]
    if answer.why:
        result.errors.append({"server": server, "message": answer.why})
    if answer.evidence is None:
        return None
    image = f"{Reference.parse(spec.image).written}@{answer.evidence.digest}"
    # A digest never comes to mean another image, so there is nothing to pull always.
    return replace(spec, image=image, pull="missing").with_generation()


@dataclass(frozen=True, order=True)
class _Question:
    """Which image of this name has the key in this file signed? ``pull`` as in the spec."""

    image: str
    key_file: str
    pull: str

    @property
    def subject(self) -> str:
        """What its evidence is kept for."""
        return f"{self.image} by {self.key_file}"


def _question(spec: Spec) -> _Question:
    return _Question(spec.image, str(spec.signature_key), spec.pull)


def _keep(answers: Mapping[_Question, _Answer], folder: str, result: Verified, *, dry_run: bool) -> None:
    for question, answer in answers.items():
        if answer.evidence is None or not answer.fresh:
            continue
        result.after += f"{question.image}: {answer.evidence.digest} is signed by {question.key_file}\n"
        if not dry_run:
            keep_evidence(folder, question.subject, answer.evidence)
    if not dry_run:
        forget_others(folder, {question.subject for question in answers})


def _answer(question: _Question, folder: str, connect: Callable[[Reference], Any]) -> _Answer:
    image, key_file = question.image, question.key_file
    reference = Reference.parse(image)
    try:
        key = read_key(key_file)
    except SignatureError as error:
        return _Answer(why=f"image {image} cannot be verified: {error}")
    known = read_evidence(folder, question.subject)
    if known is not None and not is_signed(key, known.digest, known.signature):
        known = None
    if known is not None and (reference.digest == known.digest or (not reference.digest and question.pull != "always")):
        return _Answer(known)
    try:
        with connect(reference) as registry:
            digest = reference.digest or registry.digest(reference.tag)
            if known is not None and digest == known.digest:
                return _Answer(known)
            for signature in _signatures(registry, digest):
                if is_signed(key, digest, signature):
                    return _Answer(Evidence(digest, signature), fresh=True)
    except SignatureError as error:
        return _Answer(known if not reference.digest else None, why=f"image {image} cannot be verified: {error}")
    return _Answer(
        known if not reference.digest else None,
        why=f"image {image} ({digest[:19]}…) has no signature by {key_file}: sign it (cosign sign --key), or correct"
        " signature_key",
    )


def _signatures(registry: Any, digest: str) -> Iterable[Signature]:
    """What the registry holds as signatures of an image, whoever made them."""
    manifest = registry.manifest(tag_of(digest))
    layers = manifest.get("layers") if manifest is not None else None
    for layer in layers[:MOST_SIGNATURES] if isinstance(layers, list) else ():
        given = layer if isinstance(layer, dict) else {}
        annotations = given.get("annotations")
        signature = annotations.get(ANNOTATION) if isinstance(annotations, dict) else None
        if given.get("mediaType") != PAYLOAD or not isinstance(signature, str):
            continue
        payload = registry.blob(str(given.get("digest")))
        if payload is not None:
            yield Signature(payload, signature)
