"""Which modules there are. A module is the one public class of `nxtplay/modules/NAME.py` that is written there."""

from __future__ import annotations

import importlib
import os
from typing import Optional

from nxtplay.core.resource import Action, Module, Query, Resource

# Words of the language that the engine carries out on the controller.
ENGINE_WORDS = frozenset(
    "add_host assert debug fail group_by import_playbook import_role import_tasks include_role include_tasks include_vars "
    "meta pause reboot set_fact set_stats validate_argument_spec wait_for_connection".split()
)

# those that are not the language's own structure: a plugin of that name takes their place
WORDS = frozenset(word for word in ENGINE_WORDS if not word.startswith(("import_", "include_role", "include_tasks", "meta")))

ALIASES = {"gather_facts": "setup", "sysvinit": "service", "systemd": "systemd_service"}  # older names of modules

_loaded: dict[str, type[Module]] = {}
_names: Optional[frozenset[str]] = None


def names() -> frozenset[str]:
    """Every module by its short name."""
    global _names
    if _names is None:
        found = os.listdir(os.path.dirname(__file__))
        _names = frozenset([*ALIASES, *(f[:-3] for f in found if f.endswith(".py") and not f.startswith("_") and f != "registry.py")])
    return _names


def load(name: str) -> type[Module]:
    """The module's class. KeyError where there is none of that name."""
    name = ALIASES.get(name, name)
    if name not in _loaded:
        if not name.isidentifier() or name.startswith("_") or name == "registry":
            raise KeyError(name)
        try:
            found = importlib.import_module(f"nxtplay.modules.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"nxtplay.modules.{name}":
                raise
            raise KeyError(name) from None
        _loaded[name] = public_class(found)
    return _loaded[name]


def public_class(python_module: object) -> type[Module]:
    """The one public Resource, Action or Query that a module file defines."""
    here = getattr(python_module, "__name__", "")
    kinds = (Resource, Action, Query)
    classes = [value for name, value in vars(python_module).items() if isinstance(value, type) and not name.startswith("_")]
    found = [value for value in classes if issubclass(value, kinds) and value.__module__ == here]
    if len(found) != 1:
        raise TypeError(f"{here} defines {len(found)} public modules, expected one")
    return found[0]
