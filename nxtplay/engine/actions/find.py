"""Which action plugin a task has: by its name, in the `action_plugins/` of its role or beside the playbook, configured, in a collection."""

from __future__ import annotations

import functools
import importlib.util
import inspect
import os
import sys
from dataclasses import replace
from typing import Any

from nxtplay.engine.options import Options
from nxtplay.errors import Diagnostic, NxtplayError
from nxtplay.modules import registry
from nxtplay.playbook import collections
from nxtplay.playbook.collections import Program
from nxtplay.playbook.model import Task
from nxtplay.playbook.modules import canonical
from nxtplay.playbook.search import beside, collection_roots, library_file, plain_name
from nxtplay.template import routing
from nxtplay.template.values import drop_omitted


def path_of(task: Task, base: str, options: Options) -> str | None:
    """The file of a task's plugin; None for one that is carried out by its module alone."""
    if task.module in registry.names() or task.module in registry.ENGINE_WORDS:
        return None  # what is brought instead of one of these is called `ansible.legacy.NAME`
    roots = collection_roots(task.role, options.collections_path)
    name = plain_name(task.module)
    if name.count(".") >= 2:
        return collections.action(routing.route("action", name, roots).name, roots)
    return beside(name, "action_plugins", task, base, options.action_paths, (".py",))


def meant(word: str, task: Task, base: str, options: Options) -> str | None:
    """The module of a word that is known only now; None where it is none."""
    name, roots = plain_name(word), collection_roots(task.role, options.collections_path)
    known = registry.names() | registry.ENGINE_WORDS
    if "." not in name:
        own = replace(task, module=f"ansible.legacy.{name}")
        if path_of(own, base, options) or library_file(name, task, base, options.module_paths):
            return own.module if name in known else name
    routed = canonical(word, known) or routing.route("modules", name, roots).name
    return routed if routed in known or path_of(replace(task, module=routed), base, options) or collections.module(routed, roots) else None


def as_program(task: Task, args: dict[str, Any], base: str, options: Options) -> tuple[Task, dict[str, Any]]:
    """A task whose module is a file of a `library/` or of an installed collection, as the task that carries that file out."""
    path = library_file(task.word, task, base, options.module_paths)
    program = Program(path) if path else collections.module(task.module, collection_roots(task.role, options.collections_path))
    if program is None:
        raise NxtplayError(Diagnostic(f"unknown module '{task.module}'", task.module_span))
    given = {"name": task.word, "path": program.path, "imports": dict(program.imports), "arguments": drop_omitted(args)}
    return replace(task, module="ansible_module"), given


@functools.cache
def load(path: str) -> Any:
    """The class of a plugin's file. Raises what the file does when it is read."""
    from nxtplay.engine.actions import names

    names.install()
    _, below, place = path.rpartition("/ansible_collections/")
    # in a collection as itself: it may import what lies beside it
    name = f"ansible_collections.{place[:-3].replace('/', '.')}" if below else f"ansible.plugins.action._brought.{_word(path)}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module.ActionModule


def _word(path: str) -> str:
    import hashlib

    return f"{os.path.basename(path)[:-3]}_{hashlib.sha256(path.encode()).hexdigest()[:12]}"


def once(task: Task, base: str, options: Options) -> bool:
    """Whether a task's plugin runs for the first host alone."""
    path = path_of(task, base, options)
    try:
        return path is not None and bool(load(path).BYPASS_HOST_LOOP)
    except Exception:
        return False  # told when it is to run


def speaks_of_checks(kind: Any) -> bool:
    """Whether a plugin, or what it is made from, looks at whether it runs in a check."""
    for one in kind.__mro__:
        if one.__module__.startswith("nxtplay.") or one is object:
            continue
        try:
            source = inspect.getsource(sys.modules[one.__module__])
        except (OSError, TypeError, KeyError):
            continue
        if "check_mode" in source:
            return True
    return False
