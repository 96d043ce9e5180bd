"""The state of one load: what was given, what has been read, what is wrong; and where in the tree the reader stands."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nxtplay.errors import NxtplayError, PlaybookErrors, Span
from nxtplay.modules import registry
from nxtplay.playbook.findings import Findings
from nxtplay.playbook.keywords import templated
from nxtplay.playbook.model import Item, Role
from nxtplay.playbook.source import parse, read_text

ENDINGS = ("", ".yml", ".yaml", ".json")
NO_MODULES = tuple(".pyc .pyo .bak .swp .rpm .ini .md .rst .txt .yml .yaml .json .ps1".split())  # endings of other files in a `library/`


@dataclass(frozen=True)
class Options:
    """What a load is given besides the files; see `load.load`."""

    modules: frozenset[str]
    roles_path: tuple[str, ...] = ()
    collections_path: tuple[str, ...] = ()
    extra_vars: Mapping[str, Any] = field(default_factory=dict)
    render_static: Callable[[str, Mapping[str, Any]], Any] | None = None
    decrypt: Callable[[str, str], str] | None = None
    module_paths: tuple[str, ...] = ()  # folders that are a `library/` for everybody

    @property
    def known(self) -> frozenset[str]:
        """The modules that can be named anywhere."""
        return self.modules | brought(self.module_paths)

    def collection_roots(self, base: str) -> list[str]:
        """Where collections may lie for a playbook in the directory `base`."""
        return [os.path.join(base, "collections"), *self.collections_path]


@dataclass(frozen=True)
class Place:
    """Where in the tree the reader stands. `stack` holds the task files that are being expanded, outermost first, each with the
    span that asked for it; `scopes` are the variables that static names may use, weakest first; `known` are the modules."""

    file: str
    base: str  # the playbook's directory
    known: frozenset[str]
    role: Role | None = None
    handlers: bool = False
    maybe: bool = False  # what is read may never run: it stands behind a condition that is not in its own keywords
    stack: tuple[tuple[str, Span], ...] = ()
    scopes: tuple[Mapping[str, Any], ...] = ()


class Reading:
    """Reads files once, renders static names, collects findings, and the roles and handlers that imports bring in."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.found = Findings()
        self.sources: dict[str, str] = {}
        self.roles: list[Role] = []  # of the play being read, in the order they run
        self.handlers: list[Item] = []  # of those roles
        self.brought: frozenset[str] = frozenset()  # modules of the roles that were read: those behind them find them too
        self.checked: dict[int, Any] = {}  # specifications that were looked at, by id
        self._parsed: dict[str, Any] = {}
        self._lines: dict[str, list[str]] = {}

    def read(self, path: str) -> Any:
        """The value in a file, None also when it is wrong (which is reported once)."""
        if path not in self._parsed:
            self._parsed[path] = None
            try:
                text = self.sources[path] = read_text(path, decrypt=self.options.decrypt)
                self._parsed[path] = parse(text, path)
            except PlaybookErrors as error:
                self.found.take(error)
            except NxtplayError as error:  # the vault's door
                self.found.extend(error.diagnostics)
        return self._parsed[path]

    def take(self, path: str, text: str) -> None:
        """Have a path hold this text, which is in no file."""
        self.sources[path] = text
        self._parsed[path] = parse(text, path)

    def as_written(self, span: Span) -> str:
        """The text of a scalar that stands in one line, quotes included; empty otherwise."""
        if span.file not in self.sources or not span.end_column:
            return ""
        if span.file not in self._lines:
            self._lines[span.file] = self.sources[span.file].split("\n")
        return self._lines[span.file][span.line - 1][span.column - 1 : span.end_column - 1]

    def static_text(self, value: Any, span: Span, place: Place, what: str) -> str | None:
        """A name that must be known before there are hosts; None (reported) when it cannot be."""
        if not templated(value):
            return str(value)
        dynamic = f"use {what.replace('import', 'include')}" if what in ("import_tasks", "import_role") else "write the name out"
        hint = f"{what} is resolved before there are hosts: its name may use play and extra variables; {dynamic} for others"
        render = self.options.render_static
        if render is None:
            self.found.error(f"the name for {what} is a template", span, hint)
            return None
        scope: dict[str, Any] = {}
        for variables in place.scopes:
            scope.update(variables)
        scope.update(playbook_dir=os.path.abspath(place.base))
        if place.role:
            scope.update(role_path=os.path.abspath(place.role.path), role_name=place.role.name)
        try:
            return str(render(value, {**scope, **self.options.extra_vars}))
        except NxtplayError as error:
            for diagnostic in error.diagnostics:
                self.found.error(diagnostic.message, span, hint)
            return None


def first_file(stems: Sequence[str]) -> str | None:
    """The first file that exists, each name tried as it stands and with .yml, .yaml, .json."""
    for stem in stems:
        for ending in ENDINGS:
            if os.path.isfile(stem + ending):
                return os.path.normpath(stem + ending)
    return None


def searched(paths: Sequence[str]) -> str:
    """The places looked at, for a hint."""
    return "searched: " + ", ".join(dict.fromkeys(os.path.normpath(path) for path in paths))


def library(directory: str) -> frozenset[str]:
    """The names of modules in a `library/`, and of actions in `action_plugins/`, next to a playbook or in a role."""
    return brought([os.path.join(directory, folder) for folder in ("library", "action_plugins")])


def brought(folders: Iterable[str]) -> frozenset[str]:
    """The names that folders of modules and actions bring. One that nxtplay has too is there as `ansible.legacy.NAME`."""
    names: frozenset[str] = frozenset().union(*map(modules_in, folders))
    return frozenset(f"ansible.legacy.{name}" if name in registry.names() or name in registry.WORDS else name for name in names)


def modules_in(folder: str) -> frozenset[str]:
    return frozenset(map(module_of, files_of_library(folder)))


def module_of(file: str) -> str:
    """The module that a file of a `library/` is; one that is to go has an underscore before its name."""
    return os.path.splitext(file)[0].removeprefix("_")


def files_of_library(folder: str) -> list[str]:
    """The files of a folder that are modules."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    modules = [name for name in names if os.path.splitext(name)[1] not in NO_MODULES and not name.startswith(("__", "."))]
    modules.sort(key=lambda name: name.startswith("_"))
    return [name for name in modules if os.path.isfile(os.path.join(folder, name))]
