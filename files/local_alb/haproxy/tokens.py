"""The jwt-validation action as HAProxy lines.

A token must be signed with RS256 by a key of the issuer's set, name the issuer, not have expired, and, where it says
so, be valid already; then come the claims that the action adds. Everything else is answered with 401.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

from local_alb.model.world import Document
from local_alb.validation.jwt_actions import MAX_VALUES

from .text import quoted

Keys = Mapping[str, str]  # key id → public key, PEM

BEARER = "var(txn.bearer)"


def key_file(endpoint: str, key_id: str) -> str:
    """Returns the name of the file that holds one public key."""
    return f"key.{hashlib.sha256(f'{endpoint} {key_id}'.encode()).hexdigest()[:16]}.pem"


def token_lines(
    config: Document, condition: str, keys: Mapping[str, Keys], folder: str
) -> tuple[list[str], dict[str, str]]:
    """Returns the lines that let a request pass or refuse it, and the key files they need.

    ``condition`` holds for the requests concerned; ``keys`` are the key sets by endpoint.
    """
    endpoint = config["JwksEndpoint"]
    files = {key_file(endpoint, key_id): pem for key_id, pem in keys.get(endpoint, {}).items()}
    refuse = f"http-request return status 401 hdr Server awselb/2.0 hdr WWW-Authenticate Bearer if {condition}"
    lines = [
        f"http-request set-var(txn.bearer) http_auth_bearer if {condition}",
        f"http-request set-var(txn.kid) {BEARER},jwt_header_query('$.kid') if {condition}",
        f"http-request set-var(txn.alg) {BEARER},jwt_header_query('$.alg') if {condition}",
    ]
    for key_id in keys.get(endpoint, {}):
        same = f"{{ var(txn.kid) -m str -- {quoted(key_id)} }} {{ var(txn.alg) -m str RS256 }}"
        path = f"{folder}/{key_file(endpoint, key_id)}"
        lines.append(f'http-request set-var(txn.signed) {BEARER},jwt_verify("RS256","{path}") if {condition} {same}')
    lines.append(f"{refuse} !{{ var(txn.signed) -m int 1 }}")
    lines.append(f"{refuse} !{{ {_claim('iss')} -m str -- {quoted(config['Issuer'])} }}")
    lines.append(f"http-request set-var(txn.now) date if {condition}")
    for claim in ("exp", "nbf", "iat"):
        lines.append(f"http-request set-var(txn.{claim}) {_claim(claim, 'int')} if {condition}")
    lines.append(f"{refuse} !{{ var(txn.exp) -m found }}")
    lines.append(f"{refuse} {{ var(txn.exp),sub(txn.now) -m int le 0 }}")
    lines += [f"{refuse} {{ var(txn.{claim}),sub(txn.now) -m int gt 0 }}" for claim in ("nbf", "iat")]
    for claim in config.get("AdditionalClaims", []):
        definitions, needed = _additional(claim)
        lines += definitions
        lines += [f"{refuse} !{acl}" for acl in needed]
    return lines, files


def _claim(name: str, kind: str = "", place: int | None = None) -> str:
    # A dot would lead into a nested object; what else could end the argument is refused before it comes here.
    path = "$." + name.replace(".", "\\\\.") + ("" if place is None else f"[{place}]")
    return f"{BEARER},jwt_payload_query('{path}','{kind}')" if kind else f"{BEARER},jwt_payload_query('{path}')"


def _additional(claim: Document) -> tuple[list[str], list[str]]:
    """Lines that define ACLs, and ACLs that all hold where the token's claim has every one of the values.

    AWS does not say whether one value would do; asking for all of them cannot let in what AWS would keep out.
    """
    sample = _claim(claim["Name"])
    if claim["Format"] == "single-string":
        return [], [f"{{ {sample} -m str -- {quoted(claim['Values'][0])} }}"]
    if claim["Format"] == "space-separated-values":
        forms = [f"(^| ){re.escape(value)}( |$)" for value in claim["Values"]]
        return [], [f"{{ {sample} -m reg -- {quoted(form)} }}" for form in forms]
    definitions, names = [], []
    for value in claim["Values"]:
        name = f"claim.{hashlib.sha256(json.dumps([claim['Name'], value]).encode()).hexdigest()[:16]}"
        names.append(name)
        # Lines of one name are alternatives: the value may stand at any place of the array.
        for place in range(MAX_VALUES):
            definitions.append(f"acl {name} {_claim(claim['Name'], place=place)} -m str -- {quoted(value)}")
    return definitions, names
