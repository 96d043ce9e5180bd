"""Modules of collections that are installed beside the playbook or where Ansible keeps them, and what those modules import."""

from __future__ import annotations

import ast
import collections.abc
import functools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nxtplay.modules.ansible_module import MOVES, source_of

_FULL = re.compile(r"[a-z_]\w*\.[a-z_]\w*(\.[a-z_]\w*)+\Z")


@dataclass(frozen=True)
class Program:
    """A module's file, what it imports (path on the host, below its folder, to the file here; "" for an empty one), and what of that
    nobody brings."""

    path: str
    imports: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def module(word: str, roots: Sequence[str]) -> Program | None:
    """The module of a full name; None where it is not installed."""
    return _module(word, tuple(roots)) if _FULL.match(word) else None


def action(word: str, roots: Sequence[str]) -> str | None:
    """The file of the action plugin of a full name; None where its collection has none."""
    return _action(word, tuple(roots)) if _FULL.match(word) else None


@functools.cache
def _action(word: str, roots: tuple[str, ...]) -> str | None:
    namespace, collection, *names = word.split(".")
    for root in roots:
        path = os.path.abspath(os.path.join(root, "ansible_collections", namespace, collection, "plugins", "action", *names) + ".py")
        if os.path.isfile(path):
            return path
    return None


@functools.cache
def _module(word: str, roots: tuple[str, ...]) -> Program | None:
    namespace, collection, *names = word.split(".")
    for root in roots:
        plugins = os.path.join(root, "ansible_collections", namespace, collection, "plugins")
        path = os.path.abspath(os.path.join(plugins, "modules", *names) + ".py")
        if os.path.isfile(path):
            return _with_imports(path, f"ansible_collections.{namespace}.{collection}.plugins.modules", roots)
    return None


def _with_imports(path: str, package: str, roots: Sequence[str]) -> Program:
    found: dict[str, str] = {}
    missing: dict[str, None] = {}
    waiting = [(path, package)]
    while waiting:
        file, package = waiting.pop()
        for dotted, names, optional in _imported(file, package):
            if dotted.startswith("ansible."):
                missing.update(dict.fromkeys(() if optional else _lacking(dotted, names)))
                continue
            files = _files(dotted, names, roots)
            if not files and not optional:
                missing[dotted] = None
            for target, source in files.items():
                if target not in found:
                    found[target] = source
                    below = os.path.dirname(target).replace("/", ".")
                    waiting += [(source, below)] if source else []
    return Program(path, found, tuple(missing))


def _imported(file: str, package: str) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    """(module, names taken of it, whether the program goes on without it) of what belongs to Ansible's world."""
    try:
        with open(file, "rb") as stream:
            tree = ast.parse(stream.read())
    except (OSError, SyntaxError, ValueError):
        return
    tries = [node for node in ast.walk(tree) if isinstance(node, ast.Try) and node.handlers]
    guarded = {id(inner) for node in tries for one in node.body for inner in ast.walk(one)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            named: list[tuple[str, tuple[str, ...]]] = [(alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            named = [(".".join([*above, *filter(None, [node.module])]), tuple(alias.name for alias in node.names))]
        else:
            continue
        for dotted, names in named:
            if dotted.startswith(("ansible.", "ansible_collections.")):
                yield dotted, names, id(node) in guarded


def _files(dotted: str, names: Sequence[str], roots: Sequence[str]) -> dict[str, str]:
    """The files that an import reads, with the packages above them; {} where there is none."""
    for root in roots:
        place = os.path.join(root, *dotted.split("."))
        found: dict[str, str] = {}
        if os.path.isfile(place + ".py"):
            found[dotted.replace(".", "/") + ".py"] = os.path.abspath(place + ".py")
        elif os.path.isdir(place):
            for name in names:
                found.update(_files(f"{dotted}.{name}", (), [root]))
            found[dotted.replace(".", "/") + "/__init__.py"] = _real(os.path.join(place, "__init__.py"))
        if found:
            parts = dotted.split(".")
            for at in range(1, len(parts)):
                found.setdefault("/".join(parts[:at]) + "/__init__.py", _real(os.path.join(root, *parts[:at], "__init__.py")))
            return found
    return {}


def _lacking(dotted: str, names: Sequence[str]) -> list[str]:
    """What of an import from Ansible itself nobody brings."""
    if dotted.startswith(MOVES):
        return []
    source = source_of(dotted)
    if source is None:
        return [dotted]
    return [f"{dotted}.{name}" for name in names if name not in _names_in(source) and source_of(f"{dotted}.{name}") is None]


@functools.cache
def _names_in(source: str) -> frozenset[str]:
    """The names at the top of a module; what it takes of others by `*` counts as there."""
    found: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found.update(inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name))
    return frozenset(found | (set(dir(collections.abc)) if "*" in found else set()))


def _real(path: str) -> str:
    return os.path.abspath(path) if os.path.isfile(path) else ""
