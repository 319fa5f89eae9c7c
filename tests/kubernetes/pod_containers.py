"""What a pod asks of its node, in the words of Docker's engine. Pure.

Of volumes there is emptyDir alone; of what a pod may say besides, what the fleet's pods say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Object = dict[str, Any]
Variables = Callable[[str, str], str | None]
_SIZES = {"": 1, "Ki": 1024, "Mi": 1024**2, "Gi": 1024**3}


def arguments(pod: Object, container: Object, folder: Path, secret: Variables) -> Object:
    """Returns the arguments of docker's ``containers.create``.

    ``folder`` has the pod's volumes; ``secret`` gives the value of a Secret's key, None where there is none.
    """
    spec, security = pod["spec"], container["securityContext"]
    user = spec["securityContext"].get("runAsUser")
    group = spec["securityContext"].get("runAsGroup", user)
    limits = container["resources"]["limits"]
    return {
        "image": container["image"],
        **({"entrypoint": _words(container["command"])} if container.get("command") else {}),
        "command": _words(container.get("args", ())),
        "environment": _environment(container, secret),
        "hostname": spec.get("hostname") or pod["metadata"]["name"][:63],
        **({} if user is None else {"user": f"{user}:{group}"}),
        "group_add": [str(each) for each in spec["securityContext"].get("supplementalGroups", ())],
        "working_dir": container.get("workingDir"),
        "init": bool(spec.get("shareProcessNamespace")),
        "read_only": security["readOnlyRootFilesystem"],
        "privileged": security["privileged"],
        "cap_drop": security["capabilities"]["drop"],
        "cap_add": security["capabilities"].get("add"),
        "security_opt": [] if security["allowPrivilegeEscalation"] else ["no-new-privileges"],
        "mem_limit": _size(limits["memory"]),
        "nano_cpus": _nano_cpus(limits["cpu"]),
        "volumes": _mounts(spec, container, folder),
        "tmpfs": _in_memory(spec, container),
        "dns": spec.get("dnsConfig", {}).get("nameservers"),
        "extra_hosts": {
            name: alias["ip"] for alias in spec.get("hostAliases", ()) for name in alias.get("hostnames", ())
        },
    }


def directories(pod: Object, container: Object, folder: Path) -> list[Path]:
    """Returns the directories that have to be there before a container starts, a volume's own before one in it."""
    spec = pod["spec"]
    mounts = [each for each in container.get("volumeMounts", ()) if each["name"] in _on_disk(spec)]
    return [place for each in mounts for place in (folder / each["name"], _place(each, folder))]


def _words(words: list[str]) -> list[str]:
    """Words of a command as the kubelet reads them: two dollars are one. No variable is named in any of ours."""
    return [each.replace("$$", "$") for each in words]


def _environment(container: Object, secret: Variables) -> dict[str, str]:
    found = {}
    for each in container.get("env", ()):
        source = (each.get("valueFrom") or {}).get("secretKeyRef")
        value = each.get("value", "") if source is None else secret(source["name"], source["key"])
        if value is None and not source.get("optional"):
            raise LookupError(source["name"])
        if value is not None:
            found[each["name"]] = value
    return found


def _mounts(spec: Object, container: Object, folder: Path) -> dict[str, dict[str, str]]:
    return {
        str(_place(mount, folder)): {"bind": mount["mountPath"], "mode": "ro" if mount.get("readOnly") else "rw"}
        for mount in container.get("volumeMounts", ())
        if mount["name"] in _on_disk(spec)
    }


def _on_disk(spec: Object) -> set[str]:
    return {each["name"] for each in spec.get("volumes", ()) if not _is_memory(each)}


def _in_memory(spec: Object, container: Object) -> dict[str, str]:
    memory = [each for each in spec.get("volumes", ()) if _is_memory(each)]
    sizes = {each["name"]: each["emptyDir"].get("sizeLimit", "64Mi") for each in memory}
    return {
        mount["mountPath"]: f"exec,mode=777,size={_size(sizes[mount['name']])}"
        for mount in container.get("volumeMounts", ())
        if mount["name"] in sizes
    }


def _is_memory(volume: Object) -> bool:
    return bool(volume["emptyDir"].get("medium") == "Memory")


def _place(mount: Mapping[str, Any], folder: Path) -> Path:
    return folder / mount["name"] / mount.get("subPath", "")


def _size(text: str) -> int:
    found = re.fullmatch(r"([0-9]+)(Ki|Mi|Gi)?", text)
    assert found, text
    return int(found[1]) * _SIZES[found[2] or ""]


def _nano_cpus(text: str) -> int:
    return int(text[:-1]) * 10**6 if text.endswith("m") else int(text) * 10**9
