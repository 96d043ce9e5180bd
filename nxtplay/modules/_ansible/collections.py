"""`ansible.module_utils.common.collections`, as far as modules use it."""

from __future__ import annotations

from collections.abc import *  # noqa: F403 - it hands on what it imports
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any


class ImmutableDict(Hashable, Mapping[Any, Any]):
    """A mapping that does not change, and may be a key of another."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._store = dict(*args, **kwargs)

    def __getitem__(self, key: Any) -> Any:
        return self._store[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._store)

    def __len__(self) -> int:
        return len(self._store)

    def __hash__(self) -> int:
        return hash(frozenset(self._store.items()))

    def union(self, other: Mapping[Any, Any]) -> "ImmutableDict":
        return ImmutableDict({**self._store, **other})

    def difference(self, keys: Iterable[Any]) -> "ImmutableDict":
        left_out = frozenset(keys)
        return ImmutableDict({key: value for key, value in self._store.items() if key not in left_out})


def is_string(value: Any) -> bool:
    return isinstance(value, (str, bytes))


def is_iterable(value: Any, include_strings: bool = False) -> bool:
    return (include_strings or not is_string(value)) and isinstance(value, Iterable)


def is_sequence(value: Any, include_strings: bool = False) -> bool:
    return (include_strings or not is_string(value)) and isinstance(value, Sequence)


def count(values: Iterable[Any]) -> dict[Any, int]:
    """How often each value is there."""
    found: dict[Any, int] = {}
    for value in values:
        found[value] = found.get(value, 0) + 1
    return found
