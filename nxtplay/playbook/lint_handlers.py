"""Notifications that reach a handler, and the names that loops and results are given."""

from __future__ import annotations

import re

from nxtplay.errors import Span, did_you_mean
from nxtplay.playbook.findings import Findings, listed
from nxtplay.playbook.keywords import templated
from nxtplay.playbook.lint_files import check_vars_files
from nxtplay.playbook.model import called
from nxtplay.playbook.seen import Course, Seen


def check_play(course: Course, found: Findings, *, must_be_heard: bool) -> None:
    first = len(found)
    _notifications(course, found)
    if not must_be_heard:
        found.soften(first, slips=True)
    for seen in (*course.tasks, *course.handlers):
        _loop(seen, found)
    check_vars_files(course.play, course.base, found)


def _notifications(course: Course, found: Findings) -> None:
    """A literal `notify` must name a handler or a topic of the play. With handlers that only the run knows, nothing is said."""
    names: dict[str, Span] = {}
    forms: list[re.Pattern[str]] = []  # what names with templates in them may be
    for seen in course.handlers:
        task = seen.task
        if task.name is not None and templated(task.name.value):
            forms += [_form(one) for one in called(task, str(task.name.value))]
        elif task.name is not None:
            names.update(dict.fromkeys(called(task, str(task.name.value)), task.name.span))
        for topic in task.listen:
            names.update(dict.fromkeys(called(task, topic), task.span))
    if course.unforeseen:
        return
    for seen in (*course.tasks, *course.handlers):
        for one in seen.task.shared.notify:
            if isinstance(one.value, str) and not templated(one.value) and one.value not in names:
                if any(form.fullmatch(one.value) for form in forms):
                    continue
                near = did_you_mean(one.value, names)
                word = near.removeprefix("did you mean '").removesuffix("'?") if near else ""
                there = f"handlers of this play: {listed(names)}" if names else "this play has no handlers: add them under handlers:"
                hint = near or there
                notes = ((f"'{word}' is here", names[word]),) if word in names else ()
                found.error(f"no handler '{one.value}' in this play", one.span, hint, *notes)


_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


def _form(name: str) -> re.Pattern[str]:
    """A name with anything where its templates stand."""
    return re.compile(".*".join(map(re.escape, _TEMPLATE.split(name))), re.DOTALL)


def unnotified(course: Course) -> set[Span]:
    """The handlers that no task asks for by name; a notification that is a template may ask for any, and surely for none."""
    asked = [one.value for seen in (*course.tasks, *course.handlers) for one in seen.task.shared.notify]
    words = {str(one).rpartition(" : ")[2] for one in asked}
    tasks = [seen.task for seen in course.handlers if not seen.includes]
    named = {task.span: {str(task.name.value) if task.name else "", *task.listen} for task in tasks}
    return {span for span, names in named.items() if not names & words and not any(templated(name) for name in names)}


def _loop(seen: Seen, found: Findings) -> None:
    """A loop inside the loop of an include hides the outer item when both have one name."""
    task = seen.task
    if task.loop is None:
        return
    control = task.loop.control
    if control.loop_var in seen.names:
        hint = "name one of them otherwise:  loop_control: {loop_var: ...}"
        found.warning(f"the loop variable '{control.loop_var}' hides that of the include around this task", task.loop.value.span, hint)
    own = {str(name) for variables in task.shared.vars for name in variables}
    if control.loop_var in own:
        found.warning(f"the loop variable '{control.loop_var}' hides a variable of the same name", task.loop.value.span)
