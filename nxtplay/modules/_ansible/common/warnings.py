"""`ansible.module_utils.common.warnings`: what is told along with the answer of a module."""

from __future__ import annotations

from typing import Any

from .arguments import deprecation

_warnings: list[str] = []
_deprecations: list[dict[str, Any]] = []


def warn(warning: str, **_: Any) -> None:
    if warning not in _warnings:
        _warnings.append(warning)


def deprecate(msg: str, version: Any = None, date: Any = None, collection_name: Any = None, **_: Any) -> None:
    _deprecations.append(deprecation(msg, version=version, date=date, collection_name=collection_name))


def get_warning_messages() -> tuple[str, ...]:
    return tuple(_warnings)


def get_deprecation_messages() -> tuple[dict[str, Any], ...]:
    return tuple(_deprecations)
