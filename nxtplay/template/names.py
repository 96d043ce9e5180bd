"""What a template uses, found without rendering it: names, filters, tests, lookups; and the place of wrong syntax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nxtplay.template.quick import roots


@dataclass(frozen=True)
class Names:
    """What a text uses.

    used: every variable name once, with whether its absence is provided for (`default`, `is defined`).
    places: for a name its first place in the text as (line, column), both from 1.
    kind: of an expression that is surely neither true nor false, what it is ("a number", "a list", "text"); else empty.
    lookups: names of lookups written as plain text in `lookup()`, `query()` or `q()`.
    """

    used: tuple[tuple[str, bool], ...] = ()
    filters: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    lookups: tuple[str, ...] = ()
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    kind: str = ""


def names(text: str, *, expression: bool = False) -> Names:
    """What the text uses; `expression` for bare Jinja (`when`).

    Raises TemplateError for wrong syntax and for filters, tests and lookups that do not exist. The span of its diagnostic has the
    file "" and the line and column within the text (from 1).
    """
    if not expression:
        if "{" not in text:
            return Names()
        simple = roots(text)
        if simple is not None:
            return Names(used=tuple((name, False) for name in simple), places=simple)
    from nxtplay.template.analysis import analysed

    return analysed(text, expression=expression)
