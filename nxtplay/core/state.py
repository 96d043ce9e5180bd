"""States and what lies between them: Plan, Change, diff; the values UNKNOWN and Secret."""

from __future__ import annotations

import dataclasses
from typing import Any, Generic, Optional, TypeVar

from nxtplay.core.frozen import frozen

S = TypeVar("S")


class UnknownReached(Exception):
    """A decision was asked of a value that a check cannot foresee; `unknown` is that value."""

    def __init__(self, unknown: Unknown) -> None:
        super().__init__(unknown.reason)
        self.unknown = unknown


class Unknown:
    """A value that only a real run would bring.

    It may be carried about, looked into and called: all of that is unknown again, for the same reason. Asking it for a decision
    (truth, text, length, equality, order) raises UnknownReached, which whoever runs the task turns into the status `unknown`.
    """

    __slots__ = ("reason",)
    reason: str

    def __init__(self, reason: str) -> None:
        object.__setattr__(self, "reason", reason)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # protocols that Python probes for (copy, pickle, jinja's __html__) are not there
            raise AttributeError(name)
        return self

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("an unknown value cannot be changed")

    def __call__(self, *args: object, **kwargs: object) -> Unknown:
        return self

    def __getitem__(self, key: object) -> Unknown:
        return self

    def _carry(self, other: object) -> Unknown:
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _carry
    __floordiv__ = __mod__ = __rmod__ = __pow__ = _carry

    def _decide(self, *args: object) -> Any:
        raise UnknownReached(self)

    __bool__ = __str__ = __len__ = __iter__ = __contains__ = __int__ = __float__ = __index__ = _decide
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _decide
    __hash__ = None  # type: ignore[assignment]
    __format__ = _decide

    def __repr__(self) -> str:
        return f"<unknown: {self.reason}>"


UNKNOWN = Unknown("not foreseeable")


class Secret(str):
    """Text that no reader of output may see. It is an ordinary string to code that uses it; printing its repr shows nothing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(********)"


@frozen
class Change:
    """One attribute that differs; `path` leads to it from the state's root, () is the whole state."""

    path: tuple[str, ...]
    before: Any
    after: Any

    @property
    def unknown(self) -> bool:
        """Whether it is unknown if the attribute changes at all."""
        return isinstance(self.after, Unknown) or isinstance(self.before, Unknown)

    def __str__(self) -> str:
        return ".".join(self.path) or "state"


@frozen
class Plan(Generic[S]):
    """What has to change: both states (None: absent) and every attribute that differs."""

    before: Optional[S]
    after: Optional[S]
    changes: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.changes)

    @property
    def certain(self) -> bool:
        """Whether at least one change is sure to happen."""
        return any(not change.unknown for change in self.changes)

    def changed(self, *path: str) -> bool:
        """Whether anything at or below `path` differs."""
        return any(change.path[: len(path)] == path or not change.path for change in self.changes)


def diff(before: Any, after: Any, path: tuple[str, ...] = ()) -> tuple[Change, ...]:
    """Every attribute in which two states differ.

    Looks into dataclasses of one type and into dicts; everything else is compared by ==. A dataclass field with
    `metadata={"volatile": True}` is left out. An unknown on either side is a change whose outcome is unknown, except against itself.
    """
    if before is after:
        return ()
    if isinstance(before, Unknown) or isinstance(after, Unknown):
        return (Change(path, before, after),)
    if type(before) is type(after):
        if dataclasses.is_dataclass(before):
            if type(before).__dict__.get("__leaf__"):
                return () if before == after else (Change(path, before, after),)
            return tuple(
                change
                for f in dataclasses.fields(before)
                if not f.metadata.get("volatile")
                for change in diff(getattr(before, f.name), getattr(after, f.name), (*path, f.name))
            )
        if isinstance(before, dict):
            return tuple(
                change
                for key in [*before, *(k for k in after if k not in before)]
                for change in diff(before.get(key), after.get(key), (*path, str(key)))
            )
        if isinstance(before, (list, tuple)) and (_holds_unknown(before) or _holds_unknown(after)):
            return (Change(path, before, UNKNOWN),)
    return () if before == after else (Change(path, before, after),)


def _holds_unknown(value: Any) -> bool:
    return any(isinstance(v, Unknown) or (isinstance(v, (list, tuple)) and _holds_unknown(v)) for v in value)


def find_unknown(value: Any) -> Optional[Unknown]:
    """The first unknown inside lists, tuples, dicts and dataclasses, or None."""
    if isinstance(value, Unknown):
        return value
    if isinstance(value, dict):
        value = list(value.values())
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = [getattr(value, f.name) for f in dataclasses.fields(value)]
    if isinstance(value, (list, tuple)):
        for item in value:
            found = find_unknown(item)
            if found is not None:
                return found
    return None


def public(value: Any) -> Any:
    """The value as plain data for people: secrets masked, bytes and contents as text, dataclasses as dicts."""
    if isinstance(value, Secret):
        return "********"
    if isinstance(value, Unknown):
        return "(known after the run)"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        if hasattr(value, "__public__"):
            return value.__public__()
        return {f.name: public(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): public(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [public(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value
