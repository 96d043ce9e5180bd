"""A class made by `frozen` is what `dataclass(frozen=True)` makes of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from nxtplay.core.frozen import by_identity, frozen


class _Point:
    """The body of a class, to be decorated in either way."""

    kind: ClassVar[str] = "point"
    x: int
    y: int = 2
    tags: list[str] = dataclasses.field(default_factory=list)
    secret: str = dataclasses.field(default="s", repr=False)


def _made(decorate: Callable[[Any], Any]) -> Any:
    body = {name: value for name, value in vars(_Point).items() if name not in ("__dict__", "__weakref__")}
    return decorate(type("Point", (), body))


OURS = _made(frozen)
THEIRS = _made(dataclasses.dataclass(frozen=True))
CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1,), {}),
    ((1, 3, ["a"], "t"), {}),
    ((), {"x": 1, "secret": "u"}),
    ((1,), {"y": 5}),
    ((), {}),
    ((1,), {"x": 1}),
    ((1,), {"z": 1}),
    ((1, 2, [], "s", 5), {}),
]


def _outcome(cls: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    try:
        made = cls(*args, **named)
    except TypeError:
        return TypeError
    return repr(made), vars(made), dataclasses.asdict(made), repr(dataclasses.replace(made, y=9))


@pytest.mark.parametrize(("args", "named"), CALLS)
def test_is_made_shown_and_replaced_alike(args: tuple[Any, ...], named: dict[str, Any]) -> None:
    assert _outcome(OURS, args, named) == _outcome(THEIRS, args, named)


def test_is_compared_and_hashed_by_its_values() -> None:
    one, same, other = OURS(1, tags=()), OURS(1, tags=()), OURS(2, tags=())
    assert one == same and one != other and hash(one) == hash(same)
    assert one != THEIRS(1, tags=()) and one != 1
    with pytest.raises(TypeError):
        hash(OURS(1))  # a list among its values


def test_by_identity_is_compared_by_nothing_else() -> None:
    cls = _made(by_identity)
    assert cls(1) != cls(1)
    assert len({cls(1), cls(1)}) == 2


def test_cannot_be_changed() -> None:
    made = OURS(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.x = 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        del made.x
    assert made.x == 1


def test_what_a_class_defines_itself_stays_and_is_inherited() -> None:
    @frozen
    class Loud:
        name: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Loud) and self.name.lower() == other.name.lower()

        __hash__ = None  # type: ignore[assignment]

    @frozen
    class Louder(Loud):
        by: int = 1

    assert Loud("a") == Loud("A")
    assert [field.name for field in dataclasses.fields(Louder("a"))] == ["name", "by"]
    assert Louder("a", 2).by == 2
