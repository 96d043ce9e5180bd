"""Frozen dataclasses whose methods are written here, once.

`dataclasses.dataclass` writes and compiles six methods for each class, ten times what everything else about a class costs: for the
classes of an agent that was a third of its start, on every host. Where instances are made by the hundred thousand its __init__ is the
faster one, and the right one.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, FrozenInstanceError
from typing import TYPE_CHECKING, Any, Callable, NoReturn, TypeVar

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform as dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Callable[[Any], Any]:
        return lambda cls: cls


T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def frozen(cls: type[T]) -> type[T]:
    """As `dataclass(frozen=True)`: `fields`, `replace` and `is_dataclass` know the class; what it defines itself stays."""
    made = by_identity(cls)
    for name, method in (("__eq__", _equal), ("__hash__", _hash)):
        if name not in cls.__dict__:
            setattr(made, name, method)
    return made


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(dataclasses.field,))
def by_identity(cls: type[T]) -> type[T]:
    """As `dataclass(frozen=True, eq=False)`."""
    dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    cls._fields = dataclasses.fields(cls)  # type: ignore[arg-type,attr-defined]
    for name, method in _METHODS.items():
        if name not in cls.__dict__:
            setattr(cls, name, method)
    return cls


def _init(self: Any, *given: Any, **named: Any) -> None:
    fields = self._fields
    if given:
        if len(given) > len(fields):
            raise TypeError(f"{type(self).__name__} takes {len(fields)} values, {len(given)} were given")
        for field, value in zip(fields, given):
            if field.name in named:
                raise TypeError(f"{type(self).__name__} got two values for '{field.name}'")
            named[field.name] = value
    held = self.__dict__
    for field in fields:
        name = field.name
        if name in named:
            held[name] = named.pop(name)
        elif field.default is not MISSING:
            held[name] = field.default
        elif field.default_factory is not MISSING:
            held[name] = field.default_factory()
        else:
            raise TypeError(f"{type(self).__name__} lacks a value for '{name}'")
    if named:
        raise TypeError(f"{type(self).__name__} has no {', '.join(map(repr, named))}")


def _repr(self: Any) -> str:
    shown = [f"{field.name}={getattr(self, field.name)!r}" for field in self._fields if field.repr]
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _values(self: Any) -> tuple[Any, ...]:
    return tuple([getattr(self, field.name) for field in self._fields])


def _equal(self: Any, other: Any) -> Any:
    return _values(self) == _values(other) if type(self) is type(other) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _refuse(self: Any, name: str, *_: Any) -> NoReturn:
    raise FrozenInstanceError(f"'{name}' of {type(self).__name__} cannot be changed")


_METHODS = {"__init__": _init, "__repr__": _repr, "__setattr__": _refuse, "__delattr__": _refuse}
