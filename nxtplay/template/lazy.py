"""Containers that render their templates when looked into, and the way from them back to plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from nxtplay.core.state import Secret, Unknown
from nxtplay.errors import Diagnostic, Span, TemplateError
from nxtplay.template.messages import located
from nxtplay.template.values import OMIT, Decrypted, needs_rendering


class Renderer(Protocol):
    """Who renders the pieces."""

    def live(self, value: Any) -> Any: ...


class LazyDict(dict):  # type: ignore[type-arg]
    """A dict whose templates are rendered when their key is read."""

    __slots__ = ("_busy", "_pending", "_places", "_values")

    def __init__(self, source: Mapping[Any, Any], values: Renderer) -> None:
        super().__init__(source)
        self._values = values
        self._pending = {key for key, value in source.items() if needs_rendering(value)}
        self._busy: set[Any] = set()
        self._places: Mapping[Any, Span] = getattr(source, "values_at", None) or {}

    def _render(self, key: Any) -> Any:
        if key in self._busy:
            raise TemplateError(Diagnostic(f"recursive loop: the value of the key '{key}' is made from itself", self._places.get(key)))
        self._busy.add(key)
        try:
            value = self._values.live(dict.__getitem__(self, key))
        except TemplateError as error:
            raise located(error, self._places.get(key), f"needed by the key '{key}'") from None
        finally:
            self._busy.discard(key)
        self._pending.discard(key)
        dict.__setitem__(self, key, value)
        return value

    def all(self) -> LazyDict:
        for key in [*self._pending]:
            if key in self._pending and self._render(key) is OMIT:
                dict.__delitem__(self, key)
        return self

    def __getitem__(self, key: Any) -> Any:
        return self._render(key) if key in self._pending else dict.__getitem__(self, key)

    def get(self, key: Any, default: Any = None) -> Any:
        return self[key] if key in self else default  # noqa: SIM401 (this is get)

    def __iter__(self) -> Any:
        return iter(list(dict.keys(self)))

    def items(self) -> Any:
        return dict.items(self.all())

    def values(self) -> Any:
        return dict.values(self.all())

    def copy(self) -> dict[Any, Any]:
        return dict(dict.items(self.all()))

    def pop(self, key: Any, *default: Any) -> Any:
        self.all()
        return dict.pop(self, key, *default)

    def popitem(self) -> Any:
        return dict.popitem(self.all())

    def __setitem__(self, key: Any, value: Any) -> None:
        self._pending.discard(key)
        dict.__setitem__(self, key, value)

    def update(self, *args: Any, **kwargs: Any) -> None:
        self.all()
        dict.update(self, *args, **kwargs)

    def __eq__(self, other: object) -> bool:
        return dict.__eq__(self.all(), other.all() if isinstance(other, LazyDict) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None

    def __or__(self, other: Any) -> Any:
        return dict.__or__(self.copy(), other)

    def __repr__(self) -> str:
        return dict.__repr__(self.all())


class LazyList(list):  # type: ignore[type-arg]
    """A list whose templates are rendered when their item is read."""

    __slots__ = ("_pending", "_places", "_values")

    def __init__(self, source: Sequence[Any], values: Renderer) -> None:
        super().__init__(source)
        self._values = values
        self._pending = {index for index, value in enumerate(source) if needs_rendering(value)}
        self._places: Sequence[Span] = getattr(source, "items_at", None) or ()

    def _render(self, index: int) -> Any:
        try:
            value = self._values.live(list.__getitem__(self, index))
        except TemplateError as error:
            place = self._places[index] if index < len(self._places) else None
            raise located(error, place, f"needed by item {index} of the list") from None
        self._pending.discard(index)
        list.__setitem__(self, index, value)
        return value

    def all(self) -> LazyList:
        if self._pending:
            for index in sorted(self._pending):
                if index in self._pending:
                    self._render(index)
            list.__setitem__(self, slice(None), [value for value in list.__iter__(self) if value is not OMIT])
        return self

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, int):
            position = index + len(self) if index < 0 else index
            return self._render(position) if position in self._pending else list.__getitem__(self, index)
        return list.__getitem__(self.all(), index)

    def __iter__(self) -> Any:
        return list.__iter__(self.all())

    def __reversed__(self) -> Any:
        return list.__reversed__(self.all())

    def __contains__(self, value: object) -> bool:
        return list.__contains__(self.all(), value)

    def __eq__(self, other: object) -> bool:
        return list.__eq__(self.all(), other.all() if isinstance(other, LazyList) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None

    def __add__(self, other: Any) -> Any:
        return [*self, *other]

    def __radd__(self, other: Any) -> Any:
        return [*other, *self]

    def __mul__(self, times: Any) -> Any:
        return [*self] * times

    def index(self, *args: Any) -> int:
        return list.index(self.all(), *args)

    def count(self, value: Any) -> int:
        return list.count(self.all(), value)

    def copy(self) -> list[Any]:
        return [*self]

    def pop(self, index: Any = -1) -> Any:
        return list.pop(self.all(), index)

    def insert(self, index: Any, value: Any) -> None:
        list.insert(self.all(), index, value)

    def remove(self, value: Any) -> None:
        list.remove(self.all(), value)

    def sort(self, **options: Any) -> None:
        list.sort(self.all(), **options)

    def reverse(self) -> None:
        list.reverse(self.all())

    def __repr__(self) -> str:
        return list.__repr__(self.all())


_PLAIN = frozenset({str, int, float, bool, type(None), Unknown, Secret, Decrypted})


def finish(value: Any) -> Any:
    """A value as it leaves this room: plain data, nothing lazy, nothing omitted inside it, no undefined left unnoticed.

    Containers in which nothing had to be changed come back as the same objects.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, dict):
        return _finish_dict(value)
    if isinstance(value, list):
        return _finish_list(value)
    if isinstance(value, str):
        return str(value) if kind.__name__ == "Markup" else value
    if isinstance(value, (bytes, int, float)) or value is OMIT:
        return value
    if isinstance(value, Mapping):
        return {key: finish(value[key]) for key in value}
    complain = getattr(kind, "complain", None)
    if complain is not None:  # an undefined
        raise complain(value)
    if callable(value) and hasattr(value, "__name__"):
        raise TemplateError(
            Diagnostic(
                f"the expression gives the method '{value.__name__}', not a value",
                hint=f"call it with (), or write ['{value.__name__}'] if a key of that name is meant",
            )
        )
    if _is_empty_if(value):
        raise TemplateError(
            Diagnostic("the expression gives nothing: its `if` is false and it has no `else`", hint="add `else`, perhaps `else omit`")
        )
    if isinstance(value, (tuple, set, frozenset)) or (hasattr(value, "__iter__") and not hasattr(value, "isoformat")):
        return [finish(each) for each in value if each is not OMIT]
    return value


def _is_empty_if(value: Any) -> bool:
    """Whether this is what Jinja gives for `x if false` without an `else`."""
    kind = type(value)
    return kind.__name__ == "Undefined" and kind.__module__ == "jinja2.runtime"


def _finish_dict(value: dict[Any, Any]) -> Any:
    lazy = isinstance(value, LazyDict)
    source = value.all() if isinstance(value, LazyDict) else value
    out: dict[Any, Any] | None = {} if lazy else None
    for key, each in dict.items(source):
        if type(key) is not str:
            finish(key)
        if type(each) in _PLAIN:
            done = each
        else:
            done = finish(each)
            if out is None and (done is not each or done is OMIT):
                out = {}
                for before, earlier in dict.items(source):
                    if before is key:
                        break
                    out[before] = earlier
        if out is not None and done is not OMIT:
            out[str(key) if type(key).__name__ == "Markup" else key] = done
    return value if out is None else out


def _finish_list(value: list[Any]) -> Any:
    lazy = isinstance(value, LazyList)
    source = list.__iter__(value.all() if isinstance(value, LazyList) else value)
    out: list[Any] | None = [] if lazy else None
    for index, each in enumerate(source):
        if type(each) in _PLAIN:
            done = each
        else:
            done = finish(each)
            if out is None and (done is not each or done is OMIT):
                out = list(list.__iter__(value))[:index]
        if out is not None and done is not OMIT:
            out.append(done)
    return value if out is None else out


def joined(parts: Iterable[Any]) -> Any:
    """What a template gives whose pieces gave these: nothing -> None, one -> that object, more -> their text."""
    given = list(parts)
    there = [part for part in given if part is not None and part is not OMIT]
    if not there:
        return OMIT if any(part is OMIT for part in given) else None
    return there[0] if len(there) == 1 else text_of(there)


def text_of(parts: Iterable[Any]) -> Any:
    """The pieces as one text; a Secret among them makes it a Secret, an Unknown makes it unknown (by raising)."""
    out = []
    secret = False
    for part in parts:
        if type(part) is str:
            out.append(part)
        elif part is None or part is OMIT or _is_empty_if(part):
            continue
        else:
            secret = secret or isinstance(part, Secret)
            out.append(str(finish(part)))
    text = "".join(out)
    return Secret(text) if secret else text


def with_newlines(value: Any, wanted: int) -> Any:
    """Jinja drops the last newline of a template; a text keeps as many as its template ended in."""
    if wanted and isinstance(value, str):
        lacking = wanted - (len(value) - len(value.rstrip("\n")))
        if lacking > 0:
            return type(value)(value + "\n" * lacking)
    return value
