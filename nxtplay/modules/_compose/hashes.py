"""Compose's own hashes over services, networks and volumes, so that its command finds nothing to do after ours."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Mapping

LEFT_OUT = ("build", "pull_policy", "scale", "depends_on", "profiles")


def go_json(value: Any) -> str:
    """JSON as Go's encoder writes it."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for sign, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029")):
        text = text.replace(sign, escape)
    return text


def _sha(value: Any) -> str:
    return hashlib.sha256(go_json(value).encode("utf-8", "surrogateescape")).hexdigest()


def attributes(service: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a container of the service the right one: all but how many, from what it is built, and when it starts."""
    out = {key: value for key, value in service.items() if key not in LEFT_OUT}
    if isinstance(out.get("deploy"), dict):
        out["deploy"] = {key: value for key, value in out["deploy"].items() if key != "replicas"}
    return out


def service_hash(service: Mapping[str, Any]) -> str:
    return _sha(attributes(service))


def network_hash(network: Mapping[str, Any]) -> str:
    return _sha(network)


def volume_hash(volume: Mapping[str, Any]) -> str:
    driver = volume.get("driver") or "local"
    ordered = {"name": volume["name"], "driver": driver}
    return _sha({**ordered, **{k: v for k, v in volume.items() if k not in ordered}})
