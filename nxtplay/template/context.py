"""How a template sees the variables of a scope: by name, lazily, its own assignments over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jinja2
from jinja2.runtime import Context as JinjaContext
from jinja2.utils import missing

from nxtplay.core.state import Unknown
from nxtplay.errors import NxtplayError
from nxtplay.template.render import Values
from nxtplay.template.undefined import Undefined, UndefinedUsed
from nxtplay.template.values import MISSING

_HANDED_ON = dict.fromkeys(("lookup", "query", "q"))  # there in what a template imports without its variables, too
_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()), type(_ for _ in ()), map, filter, zip)


def listed(value: Any) -> Any:
    several: Any = value
    return list(several) if isinstance(value, _VIEWS) else value


class Frames(Mapping[str, Any]):
    """What Jinja takes for the dict of variables: template-local names over the variables of a scope."""

    __slots__ = ("below", "own")

    def __init__(self, own: Mapping[str, Any], below: Frames | Values) -> None:
        self.own, self.below = own, below

    @property
    def variables(self) -> Values:
        return self.below.variables if isinstance(self.below, Frames) else self.below

    def resolve(self, name: str) -> Any:
        if name in self.own:
            return self.own[name]
        if isinstance(self.below, Frames):
            return self.below.resolve(name)
        try:
            return self.below.get(name)
        except NxtplayError as error:
            return Undefined(name=name, cause=error)

    def __getitem__(self, name: str) -> Any:
        value = self.resolve(name)
        if value is MISSING:
            raise KeyError(name)
        return value

    def __iter__(self) -> Any:
        return iter({**dict.fromkeys(self.below if isinstance(self.below, Frames) else self.below.names()), **self.own})

    def __len__(self) -> int:
        return len(list(iter(self)))


class Context(JinjaContext):
    """Names as a template meets them: its own assignments, the scope's variables, Jinja's globals."""

    parent: Frames  # type: ignore[assignment]

    def call(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """A call inside a template: unknown and undefined pass through it, and views and generators become lists."""
        for value in (function, *args, *kwargs.values()):
            if isinstance(value, Unknown):
                return value
        if isinstance(function, Undefined):
            raise UndefinedUsed(function)
        return listed(super().call(function, *args, **kwargs))

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        value = self.parent.resolve(key)
        if value is MISSING:
            found = self.environment.globals.get(key, missing)
            return Undefined(name=key, among=self.parent.variables) if found is missing else found
        return value

    def get_all(self) -> Any:
        return Frames(dict(self.vars), self.parent) if self.vars else self.parent

    def get_exported(self) -> dict[str, Any]:
        return {name: self.vars[name] for name in self.exported_vars}

    def derived(self, locals: dict[str, Any] | None = None) -> Context:
        context = Context(self.environment, Frames(locals or {}, self.get_all()), self.name, {})  # type: ignore[arg-type]
        context.eval_ctx = self.eval_ctx
        context.blocks.update((key, list(found)) for key, found in self.blocks.items())
        return context


class FileTemplate(jinja2.Template):
    """A template that keeps reading the scope lazily when another one includes or imports it."""

    def new_context(self, vars: Any = None, shared: bool = False, locals: Mapping[str, Any] | None = None) -> Context:
        below = vars if isinstance(vars, (Frames, Values)) else Frames(vars or {}, _EMPTY)
        own = {name: value for name, value in (locals or {}).items() if value is not missing}
        named = _HANDED_ON if isinstance(vars, (Frames, Values)) or vars else None
        return Context(self.environment, Frames(own, below), self.name, self.blocks, named)  # type: ignore[arg-type]


class _Nothing(Values):
    def __init__(self) -> None:
        pass

    def get(self, name: str) -> Any:
        return MISSING

    def names(self) -> list[str]:
        return []


_EMPTY = _Nothing()
