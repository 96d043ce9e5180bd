"""What includes bring in while a play runs: files read once for all hosts, blocks that carry the variables of their include."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from nxtplay.core.state import Unknown
from nxtplay.engine.connections import as_bool
from nxtplay.errors import Diagnostic, PlaybookErrors, Span
from nxtplay.playbook import load
from nxtplay.playbook.model import Block, Included, Item, Located, Role, Shared, Task
from nxtplay.template.values import Unsafe
from nxtplay.variables.precedence import Scope


class Includes:
    """`publish` is told roles whose variables the whole play sees from now on, `on_handlers` the handlers that come along."""

    def __init__(self, *, playbook_dir: str, given: Any, publish: Callable[[Sequence[Role]], None]) -> None:
        self.on_handlers: Callable[[Sequence[Item]], None] = lambda items: None
        self.one_host = False
        self._playbook_dir = playbook_dir
        self._given = given
        self._publish = publish
        self._included: dict[tuple[Any, ...], tuple[Task, Included]] = {}
        self._brought: dict[int, list[tuple[Any, Unknown | None, Block]]] = {}  # by id of an included block
        self._lock = threading.RLock()

    def tasks(self, task: Task, path: Any, scope: Scope, doubt: Unknown | None) -> tuple[Block, ...]:
        if isinstance(path, Unknown) or not path:
            raise PlaybookErrors(Diagnostic("include_tasks: the file's name is not known", task.span))
        found = self._load(
            task,
            (str(path),),
            lambda above: load.load_tasks(
                str(path),
                shared=above,
                base=self._playbook_dir,
                role=task.role,
                handlers=task.is_handler,
                stack=(task.file,),
                span=task.free_form.span if task.free_form else task.args.values_at.get("file") or task.module_span,
                given=self._given,
            ),
        )
        own = task.shared.vars[task.block_vars :]
        return (self._shared(found.block, (*task.params, *own, _loop_layer(task, scope)), doubt),)

    def role(self, task: Task, args: Mapping[str, Any], scope: Scope, doubt: Unknown | None) -> tuple[Block, ...]:
        name = str(args.get("name") or args.get("role") or "")
        files = {k: str(args[k]) for k in ("tasks_from", "vars_from", "defaults_from", "handlers_from") if k in args}
        public = as_bool(args.get("public", False))
        found = self._load(
            task,
            (name, *sorted(files.items())),
            lambda above: load.load_role(
                name,
                shared=above,
                base=self._playbook_dir,
                span=task.span,
                params=task.shared.vars[-1] if len(task.shared.vars) > task.block_vars else None,
                parent=task.role,
                files=files,
                public=public,
                allow_duplicates=task.loop is not None or as_bool(args.get("allow_duplicates", True)),  # each item is another use
                validate=as_bool(args.get("rolespec_validate", True)),
                given=self._given,
            ),
        )
        brought = (*task.params, _loop_layer(task, scope))
        if found.handlers:
            self.on_handlers(_with_params(Block(task.span, found.handlers), brought, None).tasks)
        return (self._shared(found.block, brought, doubt),)

    def _load(self, task: Task, what: tuple[Any, ...], read: Callable[[Shared], Included]) -> Included:
        """What an include brings in, read once for all hosts."""
        assert task.apply is not None
        with self._lock:
            key = (id(task), *what)
            if key not in self._included:
                self._included[key] = (task, read(task.apply))  # with the task, so that its id stays its own
                found = self._included[key][1]
                self.on_handlers(found.handlers)
                public = [role for role in found.roles if role.public]
                if public:
                    self._publish(public)
            return self._included[key][1]

    def _shared(self, block: Block, params: Sequence[Mapping[str, Any]], doubt: Unknown | None) -> Block:
        """The block with these variables: one object for all hosts that are brought the same, so that they go through it together."""
        params = tuple(values for values in params if values)
        if self.one_host:
            return _with_params(block, params, doubt)
        with self._lock:
            known = self._brought.setdefault(id(block), [])
            for seen_params, seen_doubt, seen in known:
                if seen_doubt is doubt and _equal(seen_params, params):
                    return seen
            made = _with_params(block, params, doubt)
            known.append((params, doubt, made))
            return made


def _loop_layer(task: Task, scope: Scope) -> dict[str, Any]:
    """Loop variables of the include itself, for its children: data, not to be rendered again."""
    if task.loop is None:
        return {}
    named = [key for key in ("ansible_loop_var", "ansible_index_var") if key in scope]
    names = [*(scope.find(key)[0] for key in named), *named, "ansible_loop"]
    return {name: _as_data(scope.find(name)[0]) for name in names if name in scope}


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except Exception:  # values that cannot be compared, such as unknown ones
        return False


def _with_params(block: Block, params: Sequence[Mapping[str, Any]], doubt: Unknown | None) -> Block:
    """The block with the variables of its include for each task in it (and, when that is in doubt, a condition that stays unknown)."""
    params = tuple(values for values in params if values)
    if doubt is not None:
        params = (*params, {"_nxtplay_doubt": doubt})
    if not params:
        return block

    def item(one: Item) -> Item:
        if isinstance(one, Block):
            return replace(one, tasks=tuple(map(item, one.tasks)), rescue=tuple(map(item, one.rescue)), always=tuple(map(item, one.always)))
        shared = one.shared
        if doubt is not None:
            shared = replace(shared, when=(Located("_nxtplay_doubt", Span(one.file)), *shared.when))
        return replace(one, shared=shared, params=(*params, *one.params))

    done = item(block)
    assert isinstance(done, Block)
    return done


def _as_data(value: Any) -> Any:
    """The value with every text in it marked as data, so that it is not rendered again."""
    if isinstance(value, dict):
        return {key: _as_data(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_data(item) for item in value]
    return Unsafe(value) if isinstance(value, str) and "{" in value else value
