"""The names that action plugins import from Ansible, beside those that every plugin does (`template.ansible_shim`)."""

from __future__ import annotations

import difflib
import functools
import hashlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
import types
from collections.abc import Mapping
from typing import Any

from nxtplay.engine.actions import base, things
from nxtplay.engine.actions.errand import Errand
from nxtplay.modules import registry
from nxtplay.playbook.modules import canonical
from nxtplay.template import ansible_shim

_PACKAGE = "ansible.plugins.action"


class SharedLoaders:
    """`self._shared_loader_obj`."""

    def __init__(self, errand: Errand | None = None) -> None:
        self.action_loader = base.Actions(errand)
        self.module_loader = base.Modules(lambda name: canonical(name, registry.names()) is not None)
        self.lookup_loader = base.Lookups(_lookup)
        self.connection_loader = self.become_loader = base.Lookups(_not_here)
        self.filter_loader = self.test_loader = base.Lookups(_filter)


class NoConnection(Exception):
    """A device of a network, which nothing here talks to."""


def _not_here(name: str, *_: Any, **__: Any) -> Any:
    raise NoConnection(f"there is no plugin '{name}' to be had: connections are nxtplay's own")


def _lookup(name: str, *_: Any, **__: Any) -> Any:
    from nxtplay.template.lookups import lookup

    return lookup(name)


def _filter(name: str, *_: Any, **__: Any) -> Any:
    from nxtplay.template import registry as templates

    return templates.filters.find(name)


class _Actions(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """`ansible.plugins.action.NAME`: Ansible's own actions, which plugins are made from at times."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        package, _, name = fullname.rpartition(".")
        return importlib.machinery.ModuleSpec(fullname, self) if package == _PACKAGE and not name.startswith("_") else None

    def exec_module(self, module: types.ModuleType) -> None:
        vars(module)["ActionModule"] = base.builtin(module.__name__.rpartition(".")[2])


@functools.cache
def install() -> None:
    """Put the names where `import` finds them. Where Ansible is installed, its own `ansible.plugins.action` makes way for ours."""
    if importlib.util.find_spec("ansible") is None:
        ansible_shim.install()
    loaders = SharedLoaders()
    ansible_shim.offer(
        {
            _PACKAGE: {"ActionBase": base.ActionBase, "display": ansible_shim.Display()},
            "ansible.plugins.callback": {"CallbackBase": CallbackBase},
            "ansible.plugins.loader": {
                f"{kind}_loader": getattr(loaders, f"{kind}_loader")
                for kind in "action become connection filter lookup module test".split()
            },
            "ansible.module_utils.connection": {"Connection": _not_here, "ConnectionError": NoConnection},
            "ansible.utils.vars": {"merge_hash": merge_hash, "combine_vars": merge_hash_shallow},
            "ansible.utils.hashing": {"checksum": _checksum, "checksum_s": _checksum_of, "md5": functools.partial(_checksum, kind="md5")},
            "ansible.utils.path": {"unfrackpath": ansible_shim.Loader().path_dwim, "makedirs_safe": _make_folders},
            "ansible.utils.unsafe_proxy": {"wrap_var": lambda value: value},
            "ansible.vars": {},
            "ansible.vars.clean": {"remove_internal_keys": remove_internal_keys},
            "ansible.vars.hostvars": {"HostVars": Mapping},
            "ansible.playbook": {},
            "ansible.playbook.task": {"Task": things.PluginTask},
            "ansible.template": {"Templar": things.Templar},
        }
    )
    sys.meta_path.insert(0, _Actions())


class CallbackBase:
    """Ansible's way to write a difference, which some plugins ask for; there are no callbacks here."""

    def _get_diff(self, difflist: Any) -> str:
        parts = []
        for one in difflist if isinstance(difflist, list) else [difflist]:
            before, after = (_lines(one.get(side)) for side in ("before", "after"))
            old, new = ((f"{side}: {one[side + '_header']}" if one.get(side + "_header") else side) for side in ("before", "after"))
            parts += [*difflib.unified_diff(before, after, old, new), "\n"]
        return "".join(parts)


def _lines(value: Any) -> list[str]:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, indent=4, separators=(",", ": ")) + "\n"
    return [line if line.endswith("\n") else line + "\n" for line in text.splitlines(keepends=True)]


def merge_hash(x: Mapping[str, Any], y: Mapping[str, Any], recursive: bool = True, list_merge: str = "replace") -> dict[str, Any]:
    """`y` over `x`, into what is a mapping in both."""
    from nxtplay.template.filters_data import FILTERS

    return FILTERS["combine"](dict(x), dict(y), recursive=recursive, list_merge=list_merge)  # type: ignore[no-any-return]


def merge_hash_shallow(x: Mapping[str, Any], y: Mapping[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
    return {**x, **y}


def remove_internal_keys(data: dict[str, Any]) -> None:
    for key in [key for key in data if str(key).startswith("_ansible_")]:
        del data[key]


def _checksum(filename: str, hash_func: Any = None, *, kind: str = "sha1") -> str | None:
    try:
        with open(filename, "rb") as stream:
            return hashlib.file_digest(stream, hash_func or kind).hexdigest()
    except FileNotFoundError:
        return None


def _checksum_of(data: Any, hash_func: Any = None) -> str:
    return hashlib.new("sha1", data if isinstance(data, bytes) else str(data).encode()).hexdigest()


def _make_folders(path: str, mode: int | None = None) -> None:
    os.makedirs(path, exist_ok=True) if mode is None else os.makedirs(path, mode, exist_ok=True)
