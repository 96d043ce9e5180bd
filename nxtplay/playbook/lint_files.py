"""Files that a task takes from the controller under a literal name: they are there, and templates among them are Jinja."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from nxtplay.errors import Span, TemplateError
from nxtplay.playbook.findings import Findings
from nxtplay.playbook.imports import not_found
from nxtplay.playbook.keywords import templated
from nxtplay.playbook.lint_templates import Templates, of_arguments
from nxtplay.playbook.model import Play, Task
from nxtplay.playbook.reading import searched
from nxtplay.playbook.search import candidates, search_path
from nxtplay.playbook.seen import Seen

# module -> its argument with a file of the controller, the folder such files stand in
_TAKES = {"copy": ("src", "files"), "template": ("src", "templates"), "unarchive": ("src", "files"), "include_vars": ("file", "vars")}
_READS_ALL = ("variable_start_string", "block_start_string", "comment_start_string")


@dataclass(frozen=True)
class FileText:
    """A template file and what it uses."""

    path: str
    text: str
    used: tuple[tuple[str, bool], ...]


def _words(command: str) -> list[str]:
    """A command line as its words; quotes hold blanks together."""
    try:
        return shlex.split(command)
    except ValueError:  # a quote that a template closes, or nobody
        return command.split()


def named_file(task: Task) -> tuple[str, str, Span] | None:
    """The literal name of a file of the controller, its folder, its place; None when the task names none."""
    if task.module == "script":
        words = _words(str(task.free_form.value) if task.free_form else str(task.args.get("cmd", "")))
        span = task.free_form.span if task.free_form else task.args.values_at.get("cmd", task.module_span)
        return (words[0], "files", span) if words and not templated(words[0]) and "{" not in words[0] else None
    if task.module not in _TAKES:
        return None
    argument, folder = _TAKES[task.module]
    name = task.args.get(argument)
    remote = task.args.get("remote_src", False)
    if not isinstance(name, str) or not name or templated(name) or str(remote).lower() not in ("false", "no"):
        return None
    if "://" in name:
        return None
    return name, folder, task.args.values_at.get(argument, task.module_span)


def found_file(task: Task, base: str) -> str | None:
    """The path of the file a task names; None when it names none or it is not there."""
    named = named_file(task)
    if named is None:
        return None
    return next((path for path in candidates(named[0], named[1], search_path(task, base)) if os.path.exists(path)), None)


def made(task: Task) -> set[str]:
    """The base names of the paths that a task on the controller speaks of: it may make such files."""
    shared = task.shared
    where = {str(one.value) for one in (shared.delegate_to, shared.connection) if one is not None}
    if task.module != "fetch" and not where & {"localhost", "127.0.0.1", "local", "ansible.builtin.local"}:
        return set()
    words = (word for one in of_arguments(task) for word in _words(one.text))
    return {os.path.basename(word.rstrip("/")) for word in words}


def check_task(seen: Seen, base: str, parsed: Templates, found: Findings, *, coming: Collection[str] = ()) -> None:
    """A literal file that is not there. Only a warning where the run may still make it (an absolute one, one named in `coming`), and
    behind a condition that may leave the task out."""
    task = seen.task
    named = named_file(task)
    if named is None:
        return
    name, folder, span = named
    path = found_file(task, base)
    if path is None:
        tried = candidates(name, folder, search_path(task, base))
        hint = not_found(name.rstrip("/"), [place.rstrip("/") for place in tried])
        if os.path.isabs(os.path.expanduser(name)) or os.path.basename(name.rstrip("/")) in coming:
            found.warning(f"{task.module}: there is no file '{name}' on the controller now", span)
        else:
            tell = found.warning if seen.optional else found.error
            tell(f"{task.module}: file '{name}' not found on the controller", span, hint)
    elif task.module == "template":
        file_text(task, path, parsed, report=True)


def file_text(task: Task, path: str, parsed: Templates, *, report: bool = False) -> FileText | None:
    """A template file parsed as the module would; None when it cannot be read or has delimiters of its own."""
    if any(key in task.args for key in _READS_ALL) or not os.path.isfile(path):
        return None
    key = (path, False)
    cached = parsed.files.get(key)
    if cached is None:
        cached = parsed.files[key] = _parse(path, parsed)
    if isinstance(cached, TemplateError):
        if report:
            for one in cached.diagnostics:
                place = one.span
                parsed.found.error(one.message, Span(path, place.line, place.column, place.end_column) if place else Span(path), one.hint)
        return None
    return cached if isinstance(cached, FileText) else None


def _parse(path: str, parsed: Templates) -> Any:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            text = stream.read()
    except OSError:
        return False
    if text.startswith("#jinja2:") and re.search(r"_(start_string|prefix)\b", text.split("\n", 1)[0]):
        return False
    parsed.sources.add({path: text})
    try:
        return FileText(path, text, parsed.names(text).used)
    except TemplateError as error:
        return error


def check_vars_files(play: Play, base: str, found: Findings) -> list[str]:
    """The literal vars_files of a play that exist; those that do not are reported with the places searched."""
    paths = []
    for one in play.vars_files:
        names = one.value if isinstance(one.value, list) else [one.value]
        tried: list[str] = []
        for name in names:
            if templated(name):
                tried = []
                break
            tried += candidates(str(name), "vars", [base])
            existing = next((path for path in tried if os.path.isfile(path)), None)
            if existing:
                paths.append(existing)
                tried = []
                break
        if tried:
            what = "none of these vars_files exists" if len(names) > 1 else f"vars file '{names[0]}' not found"
            hint = not_found(str(names[0]), tried) if len(names) == 1 else searched(tried)
            found.error(what, one.span, hint)
    return paths
