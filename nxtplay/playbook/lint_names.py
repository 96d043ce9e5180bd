"""Variables that a host does not have when a task asks for them.

A task sees what the inventory and the levels of the playbook define, and what earlier tasks registered or set. Where a run may bring
names that no text tells (a templated include or set_fact, variables chosen by a template), nothing is said from there on. A use that
provides for absence (`default`, `is defined`, also in the conditions of the task) is never reported. A use that may not come to pass
(a condition, a rescue, a handler that nothing notifies) is a warning, unless a name that is there looks like the one meant; in a loop,
which may have no items, that holds for names whose absence is provided for elsewhere. With ignored errors it always is a warning.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from nxtplay.errors import NxtplayError, Span, TemplateError
from nxtplay.playbook.findings import Findings
from nxtplay.playbook.keywords import templated
from nxtplay.playbook.lint_files import file_text, found_file
from nxtplay.playbook.lint_handlers import unnotified
from nxtplay.playbook.lint_templates import Templates, Text, of_arguments, of_keywords, of_result, of_value, strings
from nxtplay.playbook.load import variables_file
from nxtplay.playbook.magic import IN_TEMPLATES, KNOWN_ANSIBLE, LEFT_BY, MAGIC
from nxtplay.playbook.model import Play, Role, Task, YamlMap
from nxtplay.playbook.reading import Options
from nxtplay.playbook.search import candidates, matches, search_path
from nxtplay.playbook.seen import Course, Seen, loop_names

HostNames = Mapping[str, AbstractSet[str]]
Uses = tuple[tuple[str, bool], ...]


def check(
    courses: Sequence[Course],
    names_for_host: HostNames | Callable[[Play], HostNames],
    parsed: Templates,
    given: Options,
    found: Findings,
) -> None:
    """Reports undefined variables of all plays; what a play registers and sets is there in the plays after it."""
    kept: dict[str, Span | None] = {}
    for course in courses:
        hosts = names_for_host(course.play) if callable(names_for_host) else names_for_host
        names = _Names(course, hosts, kept, parsed, given, found)
        names.check()
        kept = names.kept
        if names.open:
            return


class _Names:
    """One play: `kept` are the names that tasks have left so far, `fixed` those of the play's own levels."""

    def __init__(
        self, course: Course, hosts: HostNames, kept: dict[str, Span | None], parsed: Templates, given: Options, found: Findings
    ) -> None:
        self.course, self.hosts, self.parsed, self.given, self.found = course, hosts, parsed, given, found
        self.kept = dict(kept)
        self.fixed: dict[str, Span | None] = {}
        self._hosts_without: dict[str, list[str]] = {}
        self.open = False
        self.looped = False  # whether what is looked at is done once for each of items that may be none
        self.asked: set[str] = set()  # every name that a task uses, to know which variables matter
        self._variables(course.play.vars)
        self._variables(course.play.import_vars)
        for prompt in course.play.vars_prompt:
            self.fixed[str(prompt.get("name"))] = prompt.span
        for role in (*course.play.roles, *course.roles):
            if role.public:
                self._variables(role.defaults)
                self._variables(role.vars)
        self._vars_files()

    def check(self) -> None:
        for seen in self.course.handlers:  # they run at the end of each section, so what they leave may be there
            self._leaves(seen.task)
        idle = unnotified(self.course)
        for seen in (*self.course.tasks, *self.course.handlers):
            if self.open:
                return
            first = len(self.found)
            self._task(seen, certain=seen.certain and seen.task.span not in idle)
            if seen.ignored:
                self.found.soften(first, slips=True)
            self._leaves(seen.task)
        self._definitions()

    def _variables(self, variables: Mapping[str, Any] | None) -> None:
        places = variables.keys_at if isinstance(variables, YamlMap) else {}
        for name in variables or ():
            self.fixed[str(name)] = places.get(name)

    def _vars_files(self) -> None:
        for one in self.course.play.vars_files:
            names = one.value if isinstance(one.value, list) else [one.value]
            if any(templated(name) for name in names):
                self.open = True
                continue
            paths = [path for name in names for path in candidates(str(name), "vars", [self.course.base])]
            self._file(next((path for path in paths if os.path.isfile(path)), None), self.fixed)

    def _file(self, path: str | None, into: dict[str, Span | None], *, sure: bool = True) -> None:
        if path is None:
            return
        try:
            variables = variables_file(path, decrypt=self.given.decrypt)
        except NxtplayError as error:
            if sure:
                self.found.extend(error.diagnostics)
            self.open = True
            return
        into.update({str(name): variables.keys_at.get(name) for name in variables})

    # -- a task

    def _task(self, seen: Seen, *, certain: bool) -> None:
        task = seen.task
        self.looped = task.loop is not None and templated(task.loop.value.value)
        if task.loop is not None and templated(task.loop.control.loop_var):
            self.open = True  # no text tells what the item is called
            return
        guarded = {name for one in task.shared.when for name, guard in self._uses(str(one.value), expression=True) if guard}
        local: list[Any] = [seen.names, *task.shared.vars, *(level for role in _chain(task.role) for level in _levels(role))]
        never = any(str(one.value).lower() == "false" for one in task.shared.when)
        if never:
            return
        for one in task.shared.when:
            self._texts(of_value(one, expression=True), guarded, [*local, loop_names(task)], certain)
            certain = certain and one.value is True
        if task.loop is not None:
            passed_over = task.loop.lookup == "first_found"  # it goes on to the next name
            self._texts(of_value(task.loop.value), guarded, local, None if passed_over else certain)
        local.append(loop_names(task))
        shown = task.module == "debug" and "var" in task.args  # an undefined one is shown as such
        self._texts(of_arguments(task), guarded, local, None if shown else certain)
        self._texts(of_keywords(task), guarded, local, certain)
        own = [{task.register}] if task.register else []
        self._texts(of_result(task), guarded, [*local, *own], certain)
        self._template_file(task, guarded, local, certain)

    def _texts(self, texts: Iterator[Text], guarded: AbstractSet[str], local: Sequence[Any], certain: bool | None) -> None:
        for one in texts:
            for name, guard in self._uses(one.text, expression=one.expression):
                self.asked.add(name)
                if not guard and not one.quiet and name not in guarded:
                    self._use(name, one.span, one.text, local, certain)

    def _uses(self, text: str, *, expression: bool = False) -> Uses:
        parsed = self.parsed.used(text, expression=expression)
        return () if isinstance(parsed, TemplateError) else parsed.used

    def _template_file(self, task: Task, guarded: AbstractSet[str], local: Sequence[Any], certain: bool) -> None:
        if task.module != "template":
            return
        path = found_file(task, self.course.base)
        file = file_text(task, path, self.parsed) if path else None
        if file is None:
            return
        for name, guard in file.used:
            self.asked.add(name)
            if not guard and name not in guarded and name not in IN_TEMPLATES:
                self._use(name, Span(file.path, 1, 1), file.text, local, certain)

    def _use(self, name: str, span: Span, text: str, local: Sequence[Any], certain: bool | None) -> None:
        """Reports a name that is not there; `certain` None: the task copes with that, and does not fail."""
        if name in MAGIC or name in self.fixed or name in self.kept or any(name in level for level in local):
            return
        lacking = self._lacking(name)
        if not lacking:
            return
        known = {*self.fixed, *self.kept, *(str(n) for level in local for n in level), *MAGIC}
        if name.startswith("ansible_"):
            numbered = [n for n in KNOWN_ANSIBLE - {name} if n[-1].isdigit() or not name[-1].isdigit()]  # ansible_ens3 is an interface
            near = difflib.get_close_matches(name, numbered, n=1, cutoff=0.85)
            if name in KNOWN_ANSIBLE or not near:
                return  # a fact, or what a module leaves: not known before the run
        else:
            for host in lacking:
                known |= self.hosts[host]
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
        where = "" if len(lacking) == len(self.hosts) else f" on {_few(lacking)}"
        place = self.parsed.sources.word(span, name, text)
        hint = f"did you mean '{near[0]}'?" if near else f"define it, or provide for its absence:  {name} | default(...)"
        defined = self.fixed.get(near[0]) or self.kept.get(near[0]) if near else None
        sure = certain is not None and (certain or near) and not (self.looped and name in self._optional())
        report = self.found.error if sure else self.found.warning
        message = f"undefined variable '{name}'{where}"
        if defined and report == self.found.error:
            self.found.error(message, place, hint, (f"'{near[0]}' is defined here", defined))
        else:
            report(message, place, hint)

    def _optional(self) -> set[str]:
        """Names whose absence some text provides for."""
        texts = (one for one in self.parsed.parsed.values() if not isinstance(one, TemplateError))
        return {name for text in texts for name, guard in text.used if guard}

    def _lacking(self, name: str) -> list[str]:
        if name not in self._hosts_without:
            self._hosts_without[name] = [host for host, names in self.hosts.items() if name not in names]
        return self._hosts_without[name]

    # -- what a task leaves

    def _leaves(self, task: Task) -> None:
        if task.register:
            self.kept[task.register] = self.parsed.sources.word(task.span, task.register, "\n" * 100)
        for name in LEFT_BY.get(task.module, ()):
            self.kept[name] = task.span
        if task.module == "set_fact":
            for name in task.args:
                self.open = self.open or templated(name)
                self.kept[str(name)] = task.args.keys_at.get(name)
            self.open = self.open or task.free_form is not None
        elif task.module == "include_vars":
            self._include_vars(task)
        elif task.module == "getent" and isinstance(task.args.get("database"), str) and not templated(task.args["database"]):
            self.kept[f"getent_{task.args['database']}"] = task.span
        elif (task.module == "getent" or task.module not in self.given.modules) and task.module not in LEFT_BY:
            self.open = True  # it may leave names of its own
        elif task.span in self.course.unforeseen:
            self.open = True

    def _include_vars(self, task: Task) -> None:
        name = task.args.get("name")
        if isinstance(name, str) and not templated(name):
            self.kept[name] = task.span
            return
        file = task.args.get("file")
        path = found_file(task, self.course.base)
        paths = [path] if path else []
        if isinstance(file, str) and templated(file):
            folders = search_path(task, self.course.base)
            paths = matches(file, task, [os.path.join(folder, "vars") for folder in folders], any_stem=task.role is not None)
            paths += matches(file, task, folders)
        if not paths:
            self.open = True
        for one in paths:
            self._file(one, self.kept, sure=path is not None)

    # -- variables made of others

    def _definitions(self) -> None:
        """Templates in the values of variables; those that no task asks for, directly or through others, do not matter."""
        play = self.course.play
        roles = {id(role): role for seen in (*self.course.tasks, *self.course.handlers) for role in _chain(seen.task.role)}
        levels: list[tuple[YamlMap, list[Any]]] = [(play.vars, [])]  # variables, and what else is known where they are used
        for role in roles.values():
            levels += [(level, [inner for one in _chain(role) for inner in _levels(one)]) for level in _levels(role)]
        told: set[int] = set()
        for seen in (*self.course.tasks, *self.course.handlers):
            task = seen.task
            around = [seen.names, loop_names(task), *task.shared.vars, *(inner for one in _chain(task.role) for inner in _levels(one))]
            levels += [(values, around) for values in task.shared.vars if id(values) not in told]
            told.update(id(values) for values in task.shared.vars)
        waiting = set(self.asked)
        done: set[str] = set()
        while waiting:
            name = min(waiting)
            waiting.discard(name)
            done.add(name)
            for level, local in levels:
                if name not in level:
                    continue
                for text, span in strings(level[name], level.values_at.get(name) or Span("")):
                    for inner, guard in self._uses(text):
                        if inner not in done:
                            waiting.add(inner)
                        if not guard and span.file:
                            self._use(inner, span, text, local, certain=False)


def _chain(role: Role | None) -> tuple[Role, ...]:
    return (role, *role.parents) if role else ()


def _levels(role: Role) -> tuple[YamlMap, ...]:
    dependencies = tuple(level for one in role.dependencies for level in (one.defaults, one.vars))
    return (role.defaults, role.vars, role.params, *dependencies)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more hosts"
