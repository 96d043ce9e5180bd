"""The handlers of a play: which there are, in which order, and whom a notification means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nxtplay.engine.hosts import HostRun, handler_key
from nxtplay.engine.scopes import Scopes
from nxtplay.engine.walk import flatten
from nxtplay.errors import Diagnostic, NxtplayError, PlaybookErrors, did_you_mean
from nxtplay.playbook.model import Item, Located, Play, Task, called
from nxtplay.template.render import Templates
from nxtplay.template.values import is_template


@dataclass
class Handlers:
    """In the order of definition, which is the order in which they run.

    A role that is used again brings its handlers again: they take the place of the ones it brought before, notifications included.
    """

    templates: Templates
    scopes: Scopes
    _by_key: dict[Any, Task] = field(default_factory=dict)
    _named: dict[str, list[Any]] = field(default_factory=dict)  # name or topic -> keys
    _tasks: list[Task] | None = None

    def begin(self, play: Play) -> None:
        self._by_key.clear()
        self._named.clear()
        self.add(play.handlers)

    def tasks(self) -> list[Task]:
        if self._tasks is None:
            self._tasks = list(self._by_key.values())
        return self._tasks

    def add(self, items: Sequence[Item]) -> None:
        """One list of handlers. Of one list the first of a name counts, of several lists the last."""
        here: set[tuple[str, str]] = set()
        for handler in flatten(items):
            key = handler_key(handler)
            self._by_key[key] = handler
            for name in self._names_of(handler):
                origin = (name, handler.role.path if handler.role else "")
                if origin not in here:
                    self._named[name] = [key]
                    here.add(origin)
            for topic in (word for one in handler.listen for word in called(handler, one)):
                listening = self._named.setdefault(f"listen {topic}", [])
                if key not in listening:
                    listening.append(key)
        self._tasks = None

    def listening(self, topic: str) -> list[Task]:
        return [self._by_key[key] for key in self._named.get(f"listen {topic}", ())]

    def _names_of(self, handler: Task) -> list[str]:
        """The names by which a handler can be notified; templates in them see the play's variables, the role's and extra ones."""
        if handler.name is None:
            return []
        name = handler.name.value
        if is_template(name):
            try:
                name = self.templates.render(name, self.scopes.of_handler(handler))
            except NxtplayError:
                return []
        return called(handler, str(name))

    def notify(self, host: HostRun, name: str, where: Located, doubt: str) -> list[str]:
        """Have the handlers of a name or topic run at the host's next flush; their names. `doubt`: why they may not be meant to."""
        keys = [*self._named.get(name, ()), *self._named.get(f"listen {name}", ())]
        if not keys and not self.scopes.options.error_on_missing_handler:
            return []
        if not keys:
            known = [one.removeprefix("listen ") for one in self._named]
            hint = did_you_mean(name, known) or "define it under `handlers:`, or mend the name"
            raise PlaybookErrors(Diagnostic(f"no handler is called '{name}'", where.span, hint))
        for key in keys:
            if not doubt:
                host.notified.add(key)
            elif key not in host.notified:
                host.uncertain[key] = doubt
        meant = [self._by_key[key] for key in keys]
        return [str(handler.name.value) if handler.name else name for handler in meant]
