"""What can be known to be wrong before any host is touched, beyond the shape of the files.

`check` looks at a loaded playbook as the engine will walk it: literal includes are followed, every template is parsed, every argument
is held against its module, and every name against what is defined by then.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from nxtplay.errors import Diagnostic, PlaybookErrors, Span
from nxtplay.playbook import lint_args, lint_files, lint_handlers, lint_names, lint_unused
from nxtplay.playbook.findings import Findings
from nxtplay.playbook.keywords import templated
from nxtplay.playbook.lint_templates import Sources, Templates
from nxtplay.playbook.load import load_role, load_tasks, options
from nxtplay.playbook.model import Block, Included, Item, Play, Playbook, Role, Task
from nxtplay.playbook.reading import Options
from nxtplay.playbook.search import matches
from nxtplay.playbook.seen import Course, Seen

MAX_INCLUDES = 1000  # followed in one play; roles that include each other with conditions would go on for ever

HostNames = Mapping[str, AbstractSet[str]]


def check(
    playbook: Playbook,
    *,
    templates: Callable[..., Any] | None = None,
    specs: Callable[[str], Any] | None = None,
    names_for_host: HostNames | Callable[[Play], HostNames] | None = None,
    given: Options | None = None,
    must_be_heard: bool = True,
) -> list[Diagnostic]:
    """All findings, errors and warnings, by line within each file, each once.

    templates(text, expression=bool) -> Names, or TemplateError (default: nxtplay.template.names). specs(module) -> the class with its
    arguments, None for what takes any (default: the registry). names_for_host: which names the inventory, extra variables and facts
    define, by host, for the hosts of a play (a mapping serves all plays); without it undefined variables are not looked for.
    given: what the playbook was loaded with, to follow includes. must_be_heard: a notification without a handler is an error.
    """
    given = given or options()
    found = Findings(playbook.warnings)
    broken = any(one.severity == "error" for one in found)  # what could not be read may hold handlers, registers, uses of files
    sources = Sources(dict(playbook.sources))
    parsed = Templates(templates, sources, found)
    classes = specs or lint_args.registered
    told: set[Span] = set()
    courses = [_course(play, given, sources, found) for play in playbook.plays]
    for course in courses:
        _play_templates(course.play, parsed)
        coming: set[str] = set()
        for seen in (*course.tasks, *course.handlers):
            first = len(found)
            lint_args.check_task(seen.task, classes, found)
            lint_args.check_defaults(seen.task, classes, given.modules, told, found)
            parsed.check_task(seen.task)
            lint_files.check_task(seen, course.base, parsed, found, coming=coming)
            coming |= lint_files.made(seen.task)
            if seen.expected or (seen.optional and seen.installed):
                found.soften(first, slips=seen.ignored or seen.installed)
        if not broken:
            lint_handlers.check_play(course, found, must_be_heard=must_be_heard)
    if names_for_host is not None:
        lint_names.check(courses, _with_registers(names_for_host, playbook) if broken else names_for_host, parsed, given, found)
    if not broken:
        lint_unused.check(courses, parsed, found)
    return _in_order(found)


def _with_registers(names_for_host: HostNames | Callable[[Play], HostNames], playbook: Playbook) -> Callable[[Play], HostNames]:
    """Every host has what any task registers, also those tasks that could not be read."""
    left = {word for text in playbook.sources.values() for word in re.findall(r"\bregister:\s*(\w+)", text)}

    def names(play: Play) -> HostNames:
        known = names_for_host(play) if callable(names_for_host) else names_for_host
        return {host: {*own, *left} for host, own in known.items()}

    return names


def _in_order(found: Findings) -> list[Diagnostic]:
    """Each finding once, by line within each file."""
    files = {file: index for index, file in enumerate(dict.fromkeys(one.span.file for one in found if one.span))}
    return sorted(dict.fromkeys(found), key=lambda one: (files[one.span.file], *one.span[1:3]) if one.span else (-1, 0, 0))


def _play_templates(play: Play, parsed: Templates) -> None:
    for variables in (play.vars, *(values for role in play.roles for values in (role.defaults, role.vars, role.params))):
        parsed.check_variables(variables)
    for one in (play.name, play.hosts, play.serial, play.strategy, play.gather_facts, *play.vars_files):
        if one is not None:
            parsed.check(one.value, one.span)


def _course(play: Play, given: Options, sources: Sources, found: Findings) -> Course:
    """The tasks of a play in the order of the text, those of literal includes after the include."""
    follow = _Follow(play, given, sources, found)
    tasks = [seen for section in play.sections for seen in follow.items((section,), Seen.start())]
    handlers = list(follow.items(play.handlers, Seen.start()))
    handlers += [seen for item in follow.handlers for seen in follow.items((item,), Seen.start())]
    return Course(play, os.path.dirname(play.file), tuple(tasks), tuple(handlers), tuple(follow.roles), frozenset(follow.unforeseen))


class _Follow:
    """Goes through a play and into what it includes: by a literal name, or one of the files that a name with templates may mean."""

    def __init__(self, play: Play, given: Options, sources: Sources, found: Findings) -> None:
        self.base = os.path.dirname(play.file)
        self.given, self.sources, self.found = given, sources, found
        self.handlers: list[Item] = []
        self.roles: list[Role] = []
        self.unforeseen: set[Span] = set()
        self.count = 0

    def items(self, items: tuple[Item, ...], around: Seen) -> Iterator[Seen]:
        for item in items:
            if isinstance(item, Block):
                inner = dataclasses.replace(around, certain=False, expected=True) if item.rescue else around
                yield from self.items(item.tasks, inner)
                yield from self.items(item.rescue, dataclasses.replace(around, certain=False))
                yield from self.items(item.always, around)
                continue
            seen = around.at(item)
            yield seen
            if item.module in ("include_tasks", "include_role"):
                yield from self.include(item, seen)

    def include(self, task: Task, seen: Seen) -> Iterator[Seen]:
        name = task.args.get("file") if task.module == "include_tasks" else task.args.get("name", task.args.get("role"))
        if not isinstance(name, str):
            return
        others = [value for key, value in task.args.items() if key not in ("file", "name", "role", "apply")]
        if not templated(name) and not any(templated(value) for value in others):
            yield from self.follow(task, name, seen, certain=seen.certain)
            return
        files = self.meant(task, name) if task.module == "include_tasks" else []
        if not files:
            self.unforeseen.add(task.span)
        for file in files:
            yield from self.follow(task, file, seen, certain=False)

    def meant(self, task: Task, name: str) -> list[str]:
        """The files of tasks that a name with templates in it may mean."""
        folders = [os.path.dirname(task.file), *([os.path.join(task.role.path, "tasks")] if task.role else [])]
        return [path for path in matches(name, task, [os.path.join(folder, "") for folder in folders]) if path != task.file]

    def follow(self, task: Task, name: str, seen: Seen, *, certain: bool) -> Iterator[Seen]:
        key = (task.module, name, str(task.args.get("tasks_from")))
        self.count += 1
        if key in seen.includes or self.count > MAX_INCLUDES:
            return
        inner = dataclasses.replace(seen, certain=certain).inside(task, key)
        try:
            included = self.read(task, name, maybe=not inner.certain)
        except PlaybookErrors as error:
            span = task.args.values_at.get("file") or task.args.values_at.get("name") or task.module_span
            guessed = name not in task.args.values()  # a file that the include may never mean
            for d in error.diagnostics:
                self.found.append(dataclasses.replace(d, span=d.span or span, severity="warning" if guessed else d.severity))
            return
        self.found.extend(included.warnings)
        self.sources.add(included.sources)
        self.handlers += included.handlers
        self.roles += included.roles
        yield from self.items((included.block,), inner)

    def read(self, task: Task, asked: str, *, maybe: bool) -> Included:
        above = task.apply or task.shared
        if task.module == "include_tasks":
            stack = [task.file] if task.file else []
            asked = os.path.abspath(asked) if os.path.exists(asked) and os.path.dirname(asked) else asked
            return load_tasks(
                asked,
                shared=above,
                base=self.base,
                role=task.role,
                handlers=task.is_handler,
                stack=stack,
                span=task.free_form.span if task.free_form else task.args.values_at.get("file") or task.module_span,
                maybe=maybe,
                given=self.given,
            )
        span = task.args.values_at.get("name") or task.args.values_at.get("role") or task.module_span
        files = {key: str(value) for key, value in task.args.items() if key.endswith("_from")}
        public = str(task.args.get("public", False)).lower() in ("true", "yes")
        return load_role(
            asked,
            shared=above,
            base=self.base,
            span=span,
            parent=task.role,
            files=files,
            public=public,
            maybe=maybe,
            given=self.given,
        )
