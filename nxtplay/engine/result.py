"""What a task registers: a module's reply in the shape that playbooks know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nxtplay.connection.protocol import Reply
from nxtplay.core.state import Change, Unknown, public


class PartialResult(dict):  # type: ignore[type-arg]
    """A result of which a check knows only some fields; every other one is unknown."""

    def __init__(self, fields: Mapping[str, Any], unknown: Unknown) -> None:
        super().__init__(fields)
        self.unknown = unknown

    def __missing__(self, key: object) -> Unknown:
        return self.unknown

    def get(self, key: Any, default: Any = None) -> Any:
        return self[key]


def from_reply(reply: Reply, *, where: str) -> dict[str, Any]:
    """The reply as `register` takes it. `where` names the task for what stays unknown."""
    fields: dict[str, Any] = {"changed": reply.status == "changed", **reply.result}
    fields["failed"] = reply.status == "failed" or bool(fields.get("failed"))
    if reply.status == "failed":
        fields["changed"] = bool(reply.result.get("changed", False))
    elif reply.status != "changed":
        fields["changed"] = False
    if reply.unknown is None:
        return with_lines(fields)
    unknown = Unknown(f"{where}: {reply.unknown}")
    if reply.status == "unknown":
        fields["changed"] = unknown
    return PartialResult(with_lines(fields), unknown)


def with_lines(fields: dict[str, Any]) -> dict[str, Any]:
    """stdout_lines and stderr_lines beside stdout and stderr."""
    for name in ("stdout", "stderr"):
        text = fields.get(name)
        if isinstance(text, str) and f"{name}_lines" not in fields:
            fields[f"{name}_lines"] = text.splitlines()
    return fields


LISTED_DIFFS = frozenset(("blockinfile", "copy", "lineinfile", "template"))  # whose results have a list of differences
EDITORS = frozenset(("blockinfile", "lineinfile"))  # whose differences say what they are of
SHOWN = {"kind": "state", "uid": "owner", "gid": "group", "flags": "attributes"}


def diff_of(changes: Sequence[Change], name: str, module: str) -> Any:
    """What differs, as `register` has it where differences are asked for: a text under `before` and `after`, other attributes as
    mappings under the same names; of some modules as a list of both."""
    listed = module in LISTED_DIFFS
    shown = {**SHOWN, "target": "src"} if module == "file" else SHOWN
    texts: dict[str, Any] = {}
    sides: tuple[dict[str, Any], dict[str, Any]] = ({"path": name} if name else {}, {"path": name} if name else {})
    for change in changes:
        for key, side, value in (("before", sides[0], public(change.before)), ("after", sides[1], public(change.after))):
            whole = {".".join(change.path): value}
            if not change.path:
                whole = {k: v for k, v in value.items() if v is not None} if isinstance(value, Mapping) else {"state": value or "absent"}
            if "content" in whole:
                texts[key] = whole.pop("content") or ""
            side.update({shown.get(field, field): _octal(field, one) for field, one in whole.items() if field != "inode"})
    attributes: dict[str, Any] = {"before": sides[0], "after": sides[1]}
    if module in EDITORS and changes:
        attributes.update(dict.fromkeys(("before_header", "after_header"), f"{name} (file attributes)"))
        name += " (content)"
    if not any(texts.values()):
        return [attributes] if listed and changes else [] if listed else attributes
    text = {"before": "", "after": "", **texts, "before_header": name, "after_header": name}
    return [text, attributes] if listed else text


def _octal(name: str, value: Any) -> Any:
    return f"0{value:03o}" if name == "mode" and isinstance(value, int) else value


def skipped(reason: str, condition: Any = None) -> dict[str, Any]:
    fields: dict[str, Any] = {"changed": False, "skipped": True, "skip_reason": reason}
    if condition is not None:
        fields["false_condition"] = condition
    return fields


NO_TRACE = "(no traceback)"  # `exception` of what failed without one


def suppress_exception(result: dict[str, Any]) -> None:
    """What failed_when has cleared keeps its exception under another name."""
    result["failed_when_suppressed_exception"] = result.pop("exception", NO_TRACE)


def failed(message: str, **fields: Any) -> dict[str, Any]:
    return {"changed": False, "failed": True, "msg": message, **fields}


def timed_out(seconds: float) -> dict[str, Any]:
    """What is registered of a task that its `timeout` has ended."""
    period = int(seconds) if seconds == int(seconds) else seconds
    return failed(f"Timed out after {period} second(s).", timedout={"period": period, "frame": ""})


def of_loop(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The results of all items as one: changed or failed when any is, skipped when all are."""
    unknown = next((r["changed"] for r in results if isinstance(r.get("changed"), Unknown)), None)
    changed: Any = any(r.get("changed") is True for r in results)
    if not changed and unknown is not None:
        changed = unknown
    is_failed = any(is_true(r.get("failed")) for r in results)
    out: dict[str, Any] = {"results": list(results), "changed": changed}
    if is_failed:
        out["failed"] = True  # as in Ansible only then
    if any(is_true(r.get("unreachable")) for r in results):
        out["unreachable"] = True
    if results and all(is_true(r.get("skipped")) for r in results):
        out.update(skipped=True, msg="All items skipped")
    else:
        out.update(skipped=False, msg="One or more items failed" if is_failed else "All items completed")
    return out


def no_items() -> dict[str, Any]:
    return {"changed": False, "skipped": True, "skipped_reason": "No items in the list", "results": []}


def is_true(value: Any) -> bool:
    """A field's truth; an unknown one does not count."""
    return value is True or (not isinstance(value, Unknown) and bool(value))
