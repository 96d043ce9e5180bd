"""What is mounted into a container: `volumes`, `mounts` and `tmpfs` as they are compared, read from the engine and written to it."""

from __future__ import annotations

import json
from typing import Any, Mapping

from nxtplay.core.host import Failed

Body = dict[str, Any]


def _is_anonymous(text: str) -> bool:
    """Whether an entry of `volumes` names no source: /path, or /path with a mode."""
    parts = text.split(":")
    return len(parts) == 1 or (len(parts) == 2 and set(parts[1].split(",")) <= _MODES)


_MODES = frozenset("ro rw z Z nocopy cached delegated consistent shared rshared slave rslave private rprivate".split())


def volumes(given: list[str]) -> list[str]:
    """`source:target[:mode]` with the mode said, sorted."""
    out = []
    for text in given:
        parts = text.split(":")
        if len(parts) > 3:
            raise Failed(f"volume '{text}': expected source:target[:mode]")
        if _is_anonymous(text):
            out.append(text)
            continue
        mode = parts[2] if len(parts) == 3 else "rw"
        words = [w for w in mode.split(",") if w]
        if not {"ro", "rw"} & set(words):
            words.insert(0, "rw")
        out.append(f"{parts[0].rstrip('/') or '/'}:{parts[1].rstrip('/') or '/'}:{','.join(words)}")
    return sorted(out)


def read_volumes(found: Mapping[str, Any]) -> list[str]:
    named = volumes(list((found.get("HostConfig") or {}).get("Binds") or ()))
    return sorted([*named, *(t for t in (found.get("Config") or {}).get("Volumes") or {} if not any(n.split(":")[1] == t for n in named))])


def write_volumes(body: Body, value: list[str]) -> None:
    for text in value:
        if _is_anonymous(text):
            body.setdefault("Volumes", {})[text] = {}
        else:
            body.setdefault("HostConfig", {}).setdefault("Binds", []).append(text)


def mount_points(volumes: list[str], mounts: list[str]) -> list[str]:
    """The paths in the container that `volumes` and `mounts`, in the form in which they are compared, are mounted at."""
    return [t.split(":")[0 if _is_anonymous(t) else 1] for t in volumes] + [json.loads(m)["Target"].rstrip("/") or "/" for m in mounts]


def read_mounts(found: Mapping[str, Any]) -> list[str]:
    return sorted(mount_text(m) for m in (found.get("HostConfig") or {}).get("Mounts") or ())


def mount_text(mount: Mapping[str, Any]) -> str:
    """A mount as JSON of what counts, so that mounts can be compared as text."""
    kept = {k: v for k, v in mount.items() if v not in (None, "", False, {}, [])}
    for name in ("BindOptions", "VolumeOptions", "TmpfsOptions"):
        inner = {k: v for k, v in (kept.pop(name, None) or {}).items() if v not in (None, "", False, {}, [], 0)}
        kept.update({name: inner} if inner else {})
    return json.dumps(kept, sort_keys=True)


def write_mounts(body: Body, value: list[str]) -> None:
    body.setdefault("HostConfig", {}).setdefault("Mounts", []).extend(json.loads(text) for text in value)


def read_tmpfs(found: Mapping[str, Any]) -> list[str]:
    return sorted(f"{k}:{v}" if v else k for k, v in ((found.get("HostConfig") or {}).get("Tmpfs") or {}).items())


def write_tmpfs(body: Body, value: list[str]) -> None:
    body.setdefault("HostConfig", {})["Tmpfs"] = {t.partition(":")[0]: t.partition(":")[2] for t in value}
