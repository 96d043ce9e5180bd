"""Tests: what may stand after `is`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinja2.runtime import Undefined as JinjaUndefined

from nxtplay.core.state import Unknown, UnknownReached
from nxtplay.errors import TemplateError
from nxtplay.template.messages import described
from nxtplay.template.registry import takes_undefined
from nxtplay.template.undefined import Undefined
from nxtplay.template.values import Decrypted, Encrypted


@takes_undefined
def defined(value: Any) -> bool:
    if isinstance(value, Undefined) and not value.is_absence:
        raise value.complain()
    return not isinstance(value, JinjaUndefined)


@takes_undefined
def undefined(value: Any) -> bool:
    return not defined(value)


def _result(value: Any, test: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TemplateError(f"'{test}' asks about the result of a task, this is {described(value)}")
    return value


def _flag(result: Mapping[str, Any], key: str) -> Any:
    value = result.get(key, False)
    if isinstance(value, Unknown):
        raise UnknownReached(value)
    return bool(value)


def failed(value: Any) -> bool:
    return bool(_flag(_result(value, "failed"), "failed"))


def success(value: Any) -> bool:
    return not failed(value)


def changed(value: Any) -> bool:
    result = _result(value, "changed")
    if "changed" not in result:
        items = result.get("results", [])
        if isinstance(items, list):
            return any(_flag(item, "changed") for item in items if isinstance(item, Mapping))
    return bool(_flag(result, "changed"))


def skipped(value: Any) -> bool:
    return bool(_flag(_result(value, "skipped"), "skipped"))


def reachable(value: Any) -> bool:
    return not _flag(_result(value, "reachable"), "unreachable")


def unreachable(value: Any) -> bool:
    return bool(_flag(_result(value, "unreachable"), "unreachable"))


def timedout(value: Any) -> bool:
    return bool(_result(value, "timedout").get("timedout", False)) and bool(value["timedout"].get("period", False))


def _asynchronous(key: str) -> Callable[[Any], bool]:
    def asked(value: Any) -> bool:
        result = _result(value, key)
        return bool(result[key] in (1, True)) if key in result else True

    return asked


def _matcher(how: str) -> Callable[..., bool]:
    def matches(value: Any, pattern: str = "", ignorecase: bool = False, multiline: bool = False, match_type: str = how) -> bool:
        flags = (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)
        return bool(getattr(re.compile(pattern, flags), match_type)(value if isinstance(value, str) else str(value)))

    return matches


def truthy(value: Any, convert_bool: bool = False) -> bool:
    if convert_bool and isinstance(value, (str, int)) and not isinstance(value, bool):
        word = str(value).lower()
        if word in ("yes", "on", "1", "true", "y", "t"):
            return True
        if word in ("no", "off", "0", "false", "n", "f"):
            return False
    return bool(value)


def falsy(value: Any, convert_bool: bool = False) -> bool:
    return not truthy(value, convert_bool)


def contains(value: Any, item: Any) -> bool:
    return item in value


def subset(value: Any, other: Any) -> bool:
    return all(item in other for item in value)


def superset(value: Any, other: Any) -> bool:
    return subset(other, value)


def is_any(value: Any) -> bool:
    return any(value)


def is_all(value: Any) -> bool:
    return all(value)


def nan(value: Any) -> bool:
    return isinstance(value, float) and value != value


def same_file(value: str, other: str) -> bool:
    return os.path.samefile(value, other)


def _scheme_test(wanted: Callable[[Any], bool]) -> Callable[..., bool]:
    def asked(value: Any, schemes: Sequence[str] | None = None) -> bool:
        from urllib.parse import urlparse

        try:
            parts = urlparse(value)
        except (ValueError, AttributeError, TypeError):
            return False
        return wanted(parts) and (schemes is None or parts.scheme in schemes)

    return asked


def _is_uri(parts: Any) -> bool:
    return bool(parts.scheme or parts.netloc or parts.path or parts.query or parts.fragment)  # a bare path is one, too


def _is_url(parts: Any) -> bool:
    return bool(parts.scheme) and bool(parts.netloc or (parts.scheme == "file" and parts.path))


def _is_urn(parts: Any) -> bool:
    return parts.scheme == "urn" and bool(parts.path)


def vault_encrypted(value: Any) -> bool:
    return isinstance(value, (Decrypted, Encrypted)) or (isinstance(value, str) and value.startswith("$ANSIBLE_VAULT;"))


def vaulted_file(value: str) -> bool:
    with open(value, "rb") as stream:
        return stream.read(15) == b"$ANSIBLE_VAULT;"


def version(value: Any, other: Any, operator: str = "eq", strict: bool | None = None, version_type: str | None = None) -> bool:
    from nxtplay.template.versions import compare

    return compare(str(value), str(other), operator, strict=strict, kind=version_type)


TESTS: dict[str, Callable[..., Any]] = {
    "defined": defined,
    "undefined": undefined,
    "failed": failed,
    "failure": failed,
    "succeeded": success,
    "success": success,
    "successful": success,
    "changed": changed,
    "change": changed,
    "skipped": skipped,
    "skip": skipped,
    "reachable": reachable,
    "unreachable": unreachable,
    "timedout": timedout,
    "started": _asynchronous("started"),
    "finished": _asynchronous("finished"),
    "match": _matcher("match"),
    "search": _matcher("search"),
    "regex": _matcher("search"),
    "version": version,
    "version_compare": version,
    "truthy": truthy,
    "falsy": falsy,
    "contains": contains,
    "subset": subset,
    "issubset": subset,
    "superset": superset,
    "issuperset": superset,
    "any": is_any,
    "all": is_all,
    "nan": nan,
    "isnan": nan,
    "file": os.path.isfile,
    "is_file": os.path.isfile,
    "directory": os.path.isdir,
    "is_dir": os.path.isdir,
    "exists": os.path.exists,
    "link": os.path.islink,
    "is_link": os.path.islink,
    "link_exists": os.path.lexists,
    "abs": os.path.isabs,
    "is_abs": os.path.isabs,
    "mount": os.path.ismount,
    "is_mount": os.path.ismount,
    "same_file": same_file,
    "is_same_file": same_file,
    "uri": _scheme_test(_is_uri),
    "url": _scheme_test(_is_url),
    "urn": _scheme_test(_is_urn),
    "vault_encrypted": vault_encrypted,
    "vaulted_file": vaulted_file,
}
