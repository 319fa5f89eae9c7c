# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetching the values that references stand for, on the host, in the moment of the run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, ClassVar

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.reference import (
    InvalidReference,
    Reference,
    references_in,
    replaced,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret

PARAMETERS_A_CALL = 10  # what GetParameters of the Systems Manager takes (its API reference)
LARGEST = 128 * 1024  # what Linux takes as one variable (execve(2), MAX_ARG_STRLEN)

Client = Callable[[str], Any]
"""Makes a boto3 client of the service that is named."""


class Unresolved(ValueError):
    """A reference without a value; the reason reads after it."""


class OutOfReach(Unresolved):
    """A whole service cannot be asked; asking it again in this run would end alike."""


def boto3_client(region: str) -> Client:
    """Clients of boto3 for one region; the region that boto3 finds itself when it is empty."""

    def make(service: str) -> Any:
        try:
            boto3: Any = import_module("boto3")
            configuration: Any = import_module("botocore.config")
        except ImportError:
            raise Unresolved("needs boto3 on the host; run setup.sh again") from None
        patient = configuration.Config(
            retries={"mode": "adaptive", "max_attempts": 10}, connect_timeout=5, read_timeout=20
        )
        return boto3.client(service, region_name=region or None, config=patient)

    return make


def read_secret_file(path: str) -> str:
    """Reads a file as text without the line break at its end. Raises Unresolved."""
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise Unresolved("is larger than 128 KiB")
        return data.decode().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise Unresolved(f"cannot be read on the host: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Unresolved("is not UTF-8") from None


@dataclass
class Resolver:
    """Where values come from: the environment, files, an editor's inputs, AWS. Each can be another's in a test."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    inputs: Mapping[str, Secret] = field(default_factory=dict)
    read_file: Callable[[str], str] = read_secret_file
    client: Client = field(default_factory=lambda: boto3_client(""))
    looks_up: ClassVar[bool] = True
    """Whether anybody is asked for values."""

    def resolve(self, references: Iterable[Reference]) -> dict[Reference, Secret | Unresolved]:
        """Returns the value of each reference, or why it has none. References of AWS are fetched together."""
        wanted = list(dict.fromkeys(references))
        behind = {each: self._behind_input(each) for each in wanted if each.source == "input"}
        direct = dict.fromkeys([*wanted, *(inner for inners in behind.values() for inner in inners)])
        found: dict[Reference, Secret | Unresolved] = {
            each: self._local(each) for each in direct if each.source in {"env", "file", "input"}
        }
        found.update(self._parameters([each for each in direct if each.source == "ssm"]))
        found.update(self._secrets([each for each in direct if each.source == "secretsmanager"]))
        for reference, inners in behind.items():
            if inners:
                found[reference] = _put_together(found[reference], inners, found)
        return {reference: _checked(found[reference]) for reference in wanted}

    def _behind_input(self, reference: Reference) -> list[Reference]:
        """What the value of an input refers to in its turn; an input that refers to an input is not followed."""
        value = self.inputs.get(reference.name)
        try:
            inners = list(references_in(value.reveal())) if value is not None else []
        except InvalidReference:
            return []
        return [each for each in inners if each.source != "input"]

    def _local(self, reference: Reference) -> Secret | Unresolved:
        try:
            if reference.source == "file":
                return Secret(self.read_file(reference.name))
        except Unresolved as error:
            return error
        if reference.source == "input":
            value = self.inputs.get(reference.name)
            return value or Unresolved(
                "is a question of an editor, and there is no editor here to answer it;"
                f" put '{reference.name} = …' into [inputs] of settings.conf, or write another reference"
            )
        text = self.environment.get(reference.name)
        # As a shell does: ":-" takes the default for an empty value too.
        if not text and reference.default is not None:
            return Secret(reference.default)
        return Unresolved("is not set in the reconciler's environment") if text is None else Secret(text)

    def _parameters(self, references: Sequence[Reference]) -> dict[Reference, Secret | Unresolved]:
        """From the Parameter Store, ten at a time; one by one where a whole call is refused."""
        found: dict[Reference, Secret | Unresolved] = {}
        if not references:
            return found
        client = self._client("ssm")
        for first in range(0, len(references), PARAMETERS_A_CALL):
            batch = references[first : first + PARAMETERS_A_CALL]
            answer = self._batch(client, batch)
            if isinstance(answer, OutOfReach):
                return {**found, **dict.fromkeys(references[first:], answer)}
            if isinstance(answer, Unresolved) and len(batch) > 1 and not isinstance(client, Unresolved):
                for reference in batch:
                    found[reference] = _of_batch(reference, self._batch(client, [reference]))
            else:
                found.update({reference: _of_batch(reference, answer) for reference in batch})
        return found

    def _batch(self, client: Any, batch: Sequence[Reference]) -> dict[str, Secret] | Unresolved:
        if isinstance(client, Unresolved):
            return client
        try:
            answer = client.get_parameters(Names=[each.name for each in batch], WithDecryption=True)
        except Exception as error:
            return _of_aws(error, "ssm:GetParameters")
        return {
            each[key]: Secret(each["Value"]) for each in answer["Parameters"] for key in ("Name", "ARN") if key in each
        }

    def _secrets(self, references: Sequence[Reference]) -> dict[Reference, Secret | Unresolved]:
        """From the Secrets Manager, each secret once however many of its keys are asked for."""
        if not references:
            return {}
        client = self._client("secretsmanager")
        names = dict.fromkeys(each.name.partition("#")[0] for each in references)
        texts: dict[str, Secret | Unresolved] = {}
        for name in names:
            texts[name] = client if isinstance(client, Unresolved) else _secret_text(client, name)
            if isinstance(texts[name], OutOfReach):
                texts = {**dict.fromkeys(names, texts[name]), **texts}
                break
        return {each: _part(texts[each.name.partition("#")[0]], each.name.partition("#")[2]) for each in references}

    def _client(self, service: str) -> Any:
        try:
            return self.client(service)
        except Unresolved as error:
            return error
        except Exception as error:
            return _of_aws(error, service)


class EmptyResolver(Resolver):
    """Takes every reference to have a value, without asking anybody."""

    looks_up = False

    def resolve(self, references: Iterable[Reference]) -> dict[Reference, Secret | Unresolved]:
        """Returns an empty value for each."""
        return {reference: Secret("") for reference in references}


def _put_together(
    written: Secret | Unresolved, inners: Sequence[Reference], found: Mapping[Reference, Secret | Unresolved]
) -> Secret | Unresolved:
    for each in inners:
        value = found[each]
        if isinstance(value, Unresolved):
            return Unresolved(f"is '{each}', which {value}")
    if isinstance(written, Unresolved):
        return written
    return Secret(replaced(written.reveal(), lambda each: _text(found.get(each))))


def _text(value: Secret | Unresolved | None) -> str:
    return value.reveal() if isinstance(value, Secret) else ""


def _of_batch(reference: Reference, answer: dict[str, Secret] | Unresolved) -> Secret | Unresolved:
    if isinstance(answer, Unresolved):
        return answer
    # A name may end in ":3" or ":label", which the answer leaves out.
    value = answer.get(reference.name) or answer.get(reference.name.rpartition(":")[0])
    return value or Unresolved("is not in the Parameter Store; check its name and the region")


def _secret_text(client: Any, name: str) -> Secret | Unresolved:
    try:
        answer = client.get_secret_value(SecretId=name)
    except Exception as error:
        return _of_aws(error, "secretsmanager:GetSecretValue")
    text = answer.get("SecretString")
    return Secret(text) if isinstance(text, str) else Unresolved("is binary, and a variable holds text only")


def _part(text: Secret | Unresolved, key: str) -> Secret | Unresolved:
    if isinstance(text, Unresolved) or not key:
        return text
    try:
        values = json.loads(text.reveal())
    except ValueError:
        return Unresolved("has no keys: the secret is not a JSON object; leave '#' out")
    if not isinstance(values, dict) or key not in values:
        return Unresolved(f"has no key '{key}'")
    value = values[key]
    return Secret(value if isinstance(value, str) else json.dumps(value))


def _checked(value: Secret | Unresolved) -> Secret | Unresolved:
    if isinstance(value, Secret) and ("\0" in value.reveal() or len(value.reveal().encode()) > LARGEST):
        return Unresolved("holds a NUL character or more than 128 KiB, which no variable can")
    return value


def _of_aws(error: Exception, action: str) -> Unresolved:
    """What went wrong with AWS, in a sentence. The exception's own text may hold request ids and ARNs, no values."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code", "") or type(error).__name__
    reasons = {
        "AccessDeniedException": f"may not be read; the host's role needs {action} (and kms:Decrypt of its key)",
        "ResourceNotFoundException": "is not in the Secrets Manager; check its name and the region",
        "DecryptionFailure": "cannot be decrypted; the host's role needs kms:Decrypt of its key",
    }
    out_of_reach = {
        "NoCredentialsError": f"cannot be read: the host has no AWS credentials; give it a role with {action}",
        "PartialCredentialsError": "cannot be read: the host's AWS credentials are incomplete",
        "NoRegionError": "cannot be read: no region is known; write region into [aws] of settings.conf",
        "ExpiredTokenException": "cannot be read: the host's AWS credentials have expired",
        "UnrecognizedClientException": "cannot be read: AWS does not know the host's credentials",
        "EndpointConnectionError": "cannot be read: AWS cannot be reached from this host",
        "ConnectTimeoutError": "cannot be read: AWS cannot be reached from this host",
        "ReadTimeoutError": "cannot be read: AWS does not answer in time",
        "ThrottlingException": "cannot be read: AWS throttles this account; the next run asks again",
        "TooManyRequestsException": "cannot be read: AWS throttles this account; the next run asks again",
    }
    if code in out_of_reach:
        return OutOfReach(out_of_reach[code])
    return Unresolved(reasons.get(code, f"cannot be read: AWS answered {code} to {action}"))
