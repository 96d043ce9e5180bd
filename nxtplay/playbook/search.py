"""Where a relative path in a task is looked for on the controller."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence

from nxtplay.playbook.model import Role, Task
from nxtplay.playbook.reading import files_of_library, module_of


def search_path(task: Task, base: str) -> list[str]:
    """Folders in Ansible's order: the role, the roles that brought it, the folder of the tasks file, the playbook's (`base`)."""
    folders: list[str] = []
    if task.role is not None:
        folders += [os.path.abspath(role.path) for role in (task.role, *task.role.parents)]
    if task.file:
        folders.append(os.path.abspath(os.path.dirname(task.file)))
    return list(dict.fromkeys([*folders, os.path.abspath(base)]))


def candidates(path: str, subfolder: str, folders: Sequence[str]) -> list[str]:
    """Every place where the path may be: each folder with the subfolder (`files`, `templates`, `vars`), then without it."""
    path = os.path.expanduser(path)
    if os.path.isabs(path):
        return [path]
    out = []
    for folder in folders:
        out += [os.path.join(folder, subfolder, path), os.path.join(folder, path)]
    return [os.path.normpath(place) for place in dict.fromkeys(out)]


def plain_name(name: str) -> str:
    """A module's name without `ansible.legacy.`, by which one that is brought is told from one of ours that has its name."""
    return name.removeprefix("ansible.legacy.")


def library_file(name: str, task: Task, base: str, further: Sequence[str]) -> str | None:
    """The file of a module in the `library/` of a role around the task or beside the playbook, or in one of the `further` folders."""
    return beside(name, "library", task, base, further)


def beside(name: str, kind: str, task: Task, base: str, further: Sequence[str], endings: Sequence[str] = ()) -> str | None:
    """The file that brings a name, in the folder `kind` of a role around the task or of the playbook, or in one of `further`."""
    roles = (task.role, *task.role.parents) if task.role else ()
    for folder in (*(os.path.join(place, kind) for place in (*(role.path for role in roles), base)), *further):
        for file in files_of_library(folder):
            if module_of(file) == name and (not endings or file.endswith(tuple(endings))):
                return os.path.abspath(os.path.join(folder, file))
    return None


def collection_roots(role: Role | None, roots: Sequence[str]) -> list[str]:
    """Where collections lie for a task of a role: as configured, and where the one lies that the role is of."""
    own = role.path.partition("/ansible_collections/") if role else ("", "", "")
    return [*roots, own[0]] if own[1] else list(roots)


_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
MOST = 30  # files that one name with templates may mean; more is no help


def matches(name: str, task: Task, folders: Sequence[str], *, any_stem: bool = False) -> list[str]:
    """The files that a name with templates in it may mean: whatever stands where the templates stand.

    Empty when it could be any file; with `any_stem` an ending alone (`{{ system }}.yml`) is enough.
    """
    names = [name]
    if task.loop is not None and isinstance(task.loop.value.value, list):
        item = re.compile(r"\{\{ *" + re.escape(task.loop.control.loop_var) + r" *\}\}")
        if item.fullmatch(name.strip()):
            names = [one for one in task.loop.value.value if isinstance(one, str)]
    found: list[str] = []
    for one in names:
        pattern = _EXPRESSION.sub("\0", one)
        literal = pattern.replace("\0", "") if any_stem else os.path.splitext(pattern)[0].replace("\0", "")
        if "{%" in pattern or not re.search(r"\w", literal):
            return []
        pattern = glob.escape(pattern).replace("\0", "*")
        for folder in folders:
            full = pattern if os.path.isabs(pattern) else os.path.join(glob.escape(folder), pattern)
            found += [os.path.normpath(path) for path in sorted(glob.glob(full)) if os.path.isfile(path)]
    found = list(dict.fromkeys(found))
    return found if len(found) <= MOST else []
