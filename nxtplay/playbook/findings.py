"""Collecting what is wrong: a load goes on after a fault, so that all of them are reported together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nxtplay.errors import Diagnostic, PlaybookErrors, Span, did_you_mean
from nxtplay.playbook.keywords import KEYWORDS, OBJECTS, Keyword, wrong_value
from nxtplay.playbook.model import YamlList, YamlMap


class Findings(list[Diagnostic]):
    """Diagnostics in the order found."""

    def error(self, message: str, span: Span | None, hint: str = "", *notes: tuple[str, Span | None]) -> None:
        self.append(Diagnostic(message, span, hint, notes=notes))

    def warning(self, message: str, span: Span | None, hint: str = "") -> None:
        self.append(Diagnostic(message, span, hint, "warning"))

    def advice(self, message: str, span: Span | None, hint: str = "") -> None:
        """What works, and is better said otherwise: for `nxtplay lint`, not for a run."""
        self.append(Diagnostic(message, span, hint, "advice"))

    def soften(self, first: int, *, slips: bool) -> None:
        """Makes warnings of the errors from number `first` on, of likely slips of the hand (`did you mean`) only with `slips`."""
        for number, one in enumerate(self[first:], first):
            if one.severity == "error" and (slips or not one.hint.startswith("did you mean")):
                self[number] = replace(one, severity="warning")

    def take(self, error: PlaybookErrors) -> None:
        self.extend(error.diagnostics)

    def raise_errors(self) -> None:
        """Raises one PlaybookErrors with everything when there is an error among it, each finding once."""
        if any(d.severity == "error" for d in self):
            raise PlaybookErrors(*dict.fromkeys(self))


def shown(value: Any) -> str:
    """A value as a message names it."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = repr(str(value)) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else text[:57] + "...'"


def listed(words: Any) -> str:
    return ", ".join(sorted(words))


def check_values(raw: YamlMap, legal: dict[str, Keyword], found: Findings) -> None:
    """Whether the keywords in a mapping have values of their kind; keys that are no keywords are passed over."""
    for key, value in raw.items():
        keyword = legal.get(key)
        if keyword is None or value is None:
            continue
        expected = wrong_value(keyword, value)
        if expected:
            hint = f"write {key}: [...] with one '-' or entry each" if keyword.kind in ("tasks", "roles", "prompts") else ""
            found.error(f"'{key}' takes {expected}, found {shown(value)}", raw.values_at[key], hint)
        if keyword.kind == "vars" and isinstance(value, YamlMap):
            check_names(value, found)


def check_names(variables: YamlMap, found: Findings) -> None:
    """Whether every key can be the name of a variable."""
    from nxtplay.playbook.keywords import is_identifier

    for name in variables:
        if not is_identifier(name):
            hint = "letters, digits and underscores, not starting with a digit"
            suggestion = str(name).replace("-", "_").replace(" ", "_")
            if isinstance(name, str) and is_identifier(suggestion):
                hint = f"write {suggestion}"
            found.error(f"{shown(name)} cannot be the name of a variable", variables.keys_at[name], hint)


def unknown_key(key: Any, span: Span, where: str, legal: dict[str, Keyword], found: Findings, *, further: tuple[str, ...] = ()) -> None:
    """Reports a key that means nothing in an object; `further` are words that could have been meant besides the keywords."""
    thing = OBJECTS.get(where, "this")
    if not isinstance(key, str):
        hint = "YAML reads on, off, yes and no as booleans: put the key in quotes" if isinstance(key, bool) else ""
        found.error(f"{shown(key)} is not a keyword of {thing}", span, hint)
        return
    if "{{" in key:
        found.error(f"the key '{key}' holds a template; keys are taken as they are", span)
        return
    elsewhere = KEYWORDS.get(key)
    if elsewhere is not None and where in OBJECTS:
        places = " or ".join(OBJECTS[letter] for letter in elsewhere.where)
        hint = _misplaced(key, where) or f"it is legal on {places}"
        found.error(f"'{key}' cannot stand on {thing}", span, hint)
        return
    hint = did_you_mean(key, [*legal, *further]) or f"keywords of {thing}: {listed(legal)}"
    found.error(f"'{key}' is not a keyword of {thing}", span, hint)


def _misplaced(key: str, where: str) -> str:
    if where == "P" and key == "when":
        return "a play has no condition: put it on the tasks, on a block around them, or on the role"
    if where == "N":
        return f"an include hands nothing down by itself: write it under apply:, as in  apply: {{{key}: ...}}"
    if where in "TH" and key in ("tasks", "roles", "hosts"):
        return "this looks like a play: plays stand in the playbook itself and are brought in by import_playbook"
    if where in "BT" and key == "listen":
        return "only handlers listen: move the task under handlers:"
    return ""


def check_keys(raw: YamlMap, where: str, legal: dict[str, Keyword], found: Findings) -> None:
    """Unknown keys and wrong values of one object."""
    for key in raw:
        if key not in legal:
            unknown_key(key, raw.keys_at[key], where, legal, found)
    check_values(raw, legal, found)


def place_of(value: Any, fallback: Span) -> Span:
    return (value.span if isinstance(value, (YamlMap, YamlList)) else None) or fallback
