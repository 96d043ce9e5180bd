"""A tree of files to load, and what a load finds wrong with it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nxtplay.errors import Diagnostic, NxtplayError, PlaybookErrors
from nxtplay.playbook.load import load
from nxtplay.playbook.model import Block, Playbook, Task

MODULES = frozenset(
    "add_host apt assert command copy debug docker_container fail file getent group_by import_playbook import_role import_tasks "
    "include_role include_tasks include_vars meta pause ping postgresql_db raw script service set_fact setup shell stat template uri user "
    "validate_argument_spec wait_for".split()
)


class Tree:
    """Writes files below a directory and loads playbooks from there."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
        return path

    def load(self, text: str | None = None, **options: Any) -> Playbook:
        if text is not None:
            self.write("site.yml", text)
        return load(str(self.root / "site.yml"), modules=MODULES, **options)

    def tasks(self, text: str, **options: Any) -> list[Task]:
        """The tasks of a playbook of one play whose tasks are `text`."""
        play = "- hosts: all\n  tasks:\n" + textwrap.indent(textwrap.dedent(text).strip("\n"), "    ") + "\n"
        return flat(self.load(play, **options))

    def findings(self, text: str | None = None, **options: Any) -> list[Diagnostic]:
        with pytest.raises(PlaybookErrors) as caught:
            self.load(text, **options)
        return list(caught.value.diagnostics)

    def finding(self, text: str | None = None, **options: Any) -> tuple[str, str, str]:
        """The only finding: `file:line:column` from the root, message, hint."""
        found = self.findings(text, **options)
        assert len(found) == 1, [str(one) for one in found]
        return self.told(found[0])

    def task_finding(self, text: str, **options: Any) -> tuple[str, str, str]:
        return self.finding("- hosts: all\n  tasks:\n" + textwrap.indent(textwrap.dedent(text).strip("\n"), "    ") + "\n", **options)

    def told(self, found: Diagnostic) -> tuple[str, str, str]:
        root = f"{self.root}/"
        return str(found.span).replace(root, ""), found.message.replace(root, ""), found.hint.replace(root, "")


def walk(items: Any) -> Iterator[Task]:
    for item in items:
        if isinstance(item, Block):
            yield from walk((*item.tasks, *item.rescue, *item.always))
        else:
            yield item


def flat(playbook: Playbook, play: int = 0) -> list[Task]:
    """All tasks of a play in the order written."""
    return list(walk(playbook.plays[play].sections))


def render_simply(text: str, variables: Any) -> str:
    """A stand-in of the same shape as the real renderer: replaces `{{ name }}`."""
    def value(match: re.Match[str]) -> str:
        if match[1] not in variables:
            raise NxtplayError(f"undefined variable '{match[1]}'")
        return str(variables[match[1]])

    return re.sub(r"\{\{ *(\w+) *\}\}", value, text)
