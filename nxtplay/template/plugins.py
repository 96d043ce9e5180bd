"""Filters, tests and lookups that people bring: `filter_plugins/`, `test_plugins/` and `lookup_plugins/` beside a playbook or in a role,
and those of installed collections by their full names.

They are written for Ansible, and import from it. Where it is not installed, they find what plugins use of it: see `ansible_shim`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from nxtplay.errors import Diagnostic, Span, TemplateError
from nxtplay.template import routing
from nxtplay.template.lazy import finish

NOT_READ = tuple(f"{kind}_plugins" for kind in ("become", "callback", "connection", "strategy", "vars"))
FOLDERS = {"filter": "filter_plugins", "test": "test_plugins", "lookup": "lookup_plugins"}


def load(places: Iterable[str], *, over: bool = True) -> list[Diagnostic]:
    """Take in the plugins of places (a playbook's folder, a role's), later ones over earlier ones. `over`, warnings: as `load_folder`."""
    places = list(places)
    folders = ((kind, os.path.join(place, name)) for place in places for kind, name in FOLDERS.items())
    faults = [fault for kind, folder in folders for fault in load_folder(kind, folder, over=over)]
    return [*faults, *(fault for place in places for fault in _not_read(place))]


def _not_read(place: str) -> Iterator[Diagnostic]:
    """A warning for each folder of plugins of a kind that is not here."""
    for name in NOT_READ:
        folder = os.path.join(place, name)
        files = (
            sorted(file for file in os.listdir(folder) if file.endswith(".py") and file != "__init__.py") if os.path.isdir(folder) else ()
        )
        if files:
            message = f"plugins of this kind are not read: {', '.join(files)}"
            yield Diagnostic(message, Span(folder), "docs/differences.md tells what there is instead", severity="warning")


def load_folder(kind: str, folder: str, *, over: bool = True) -> list[Diagnostic]:
    """Take in one folder's plugins of one kind: filter, test, lookup. None where there is no such folder.

    They replace what has their name, without `over` only what has none is added.
    One that cannot be loaded is passed over with a warning: it may belong to a role that nobody uses. What it was to bring is then missed
    where it is used.
    """
    found: list[Diagnostic] = []
    for file in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        if file.endswith(".py") and file != "__init__.py":
            try:
                _take(kind, os.path.join(folder, file), over=over)
            except TemplateError as error:
                found += [replace(one, severity="warning") for one in error.diagnostics]
    return found


def search(roots: Iterable[str]) -> None:
    """Where collections are installed: directories that hold an `ansible_collections`."""
    _roots[:] = [root for root in roots if os.path.isdir(os.path.join(root, "ansible_collections"))]
    sys.path += [root for root in _roots if root not in sys.path]  # what the plugins of a collection import from it


_roots: list[str] = []
_asked: set[tuple[str, str]] = set()
_broken: dict[tuple[str, str], TemplateError] = {}


def reach(kind: str, name: str) -> str:
    """Take in the plugins that a name asks for, when their collection is installed: a full one (`namespace.collection.name`), or a short
    one of what was Ansible's own once. The full name that it leads to.

    Raises TemplateError when the file of that very name cannot be loaded, or there is none any more.
    """
    found = routing.route(kind, name if "." in name else routing.former(kind, name, _roots) or name, _roots)
    if found.gone:
        raise TemplateError(Diagnostic(f"{kind} {found.gone}"))
    name = found.name
    collection = name.rpartition(".")[0]
    if collection.count(".") == 1 and (kind, collection) not in _asked:
        _asked.add((kind, collection))
        _take_collection(kind, collection)
    if (kind, name) in _broken:
        raise _broken[kind, name]
    return name


def _take_collection(kind: str, collection: str) -> None:
    for root in _roots:
        folder = os.path.join(root, "ansible_collections", *collection.split("."), "plugins", kind)
        for file in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            if file.endswith(".py") and file != "__init__.py":
                try:
                    _take(kind, os.path.join(folder, file), under=f"{collection}.", over=False)
                except TemplateError as error:
                    _broken[kind, f"{collection}.{file[:-3]}"] = error


def _take(kind: str, path: str, under: str = "", *, over: bool) -> None:
    """Take in one file; `under` is what its names begin with."""
    from nxtplay.template import registry
    from nxtplay.template.lookups import LOOKUPS

    def named(functions: Mapping[str, Any]) -> dict[str, Any]:
        return {registry.short_name(under + name): _plain(one) for name, one in functions.items()}

    try:
        module = _module(path)
        if kind == "lookup":
            name = registry.short_name(under + os.path.splitext(os.path.basename(path))[0])
            if over or name not in LOOKUPS:
                LOOKUPS[name] = _lookup(module.LookupModule, getattr(module, "DOCUMENTATION", ""))
        elif kind == "filter" and hasattr(module, "FilterModule"):
            registry.filters.add(named(module.FilterModule().filters()), over=over)
        elif kind == "test" and hasattr(module, "TestModule"):
            registry.tests.add(named(module.TestModule().tests()), over=over)
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        raise TemplateError(Diagnostic(f"this {kind} plugin cannot be loaded: {message}", Span(path, _line(error, path), 1))) from None


def _line(error: BaseException, path: str) -> int:
    """The line of the plugin where it broke."""
    line, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return getattr(error, "lineno", None) or line


def _module(path: str) -> Any:
    import hashlib
    import importlib.util

    if importlib.util.find_spec("ansible") is None:
        from nxtplay.template import ansible_shim

        ansible_shim.install()
    _, below, place = path.rpartition("/ansible_collections/")
    name = "nxtplay_plugin_" + hashlib.sha256(path.encode()).hexdigest()[:12]
    if below:  # as itself: it may import what lies beside it
        name = f"ansible_collections.{place[:-3].replace('/', '.')}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with ordinary values for arguments, whatever stands behind them here."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*(finish(one) for one in args), **{name: finish(one) for name, one in kwargs.items()})

    for mark in ("jinja_pass_arg", "jinja_async_variant"):
        if hasattr(function, mark):
            setattr(call, mark, getattr(function, mark))
    return call


def _lookup(kind: Any, documentation: str) -> Callable[..., list[Any]]:
    def run(asker: Any, terms: Any, **options: Any) -> list[Any]:
        from nxtplay.template.render import View

        view = View(asker)
        one = kind()
        if hasattr(one, "_documentation"):
            one._documentation = documentation
        found = one.run(list(terms) if isinstance(terms, (list, tuple)) else [terms], variables=view, **options)
        return list(found) if isinstance(found, (list, tuple)) else [found]

    return run
