"""Where a relative path in a task is looked for on the controller."""

from __future__ import annotations

import os
from collections.abc import Sequence

from nxtplay.playbook.model import Task


def search_path(task: Task, base: str) -> list[str]:
    """Folders in Ansible's order: the role, the roles that brought it, the folder of the tasks file, the playbook's (`base`)."""
    folders: list[str] = []
    if task.role is not None:
        folders += [task.role.path, *(parent.path for parent in task.role.parents)]
    if task.file:
        folders.append(os.path.dirname(task.file))
    return list(dict.fromkeys([*folders, base]))


def candidates(path: str, subfolder: str, folders: Sequence[str]) -> list[str]:
    """Every place where the path may be: each folder with the subfolder (`files`, `templates`, `vars`), then without it."""
    path = os.path.expanduser(path)
    if os.path.isabs(path):
        return [path]
    out = []
    for folder in folders:
        out += [os.path.join(folder, subfolder, path), os.path.join(folder, path)]
    return [os.path.normpath(place) for place in dict.fromkeys(out)]
