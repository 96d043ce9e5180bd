"""Lookups: data from the controller, asked for by `lookup()`, `query()` and `with_<lookup>`.

A lookup is a function (asker, terms, **options) -> list. The asker knows the variables, where files are searched and what may be done.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nxtplay.core.state import Secret, Unknown, find_unknown
from nxtplay.errors import Diagnostic, NxtplayError, TemplateError, UndefinedVariable, did_you_mean
from nxtplay.template.lazy import finish
from nxtplay.template.lookups_files import FILE_LOOKUPS
from nxtplay.template.messages import described, undefined_name
from nxtplay.template.registry import short_name
from nxtplay.template.undefined import Undefined
from nxtplay.template.values import MISSING, Embedded

if TYPE_CHECKING:
    from nxtplay.template.render import Values

Lookup = Callable[..., list[Any]]


def asked(values: Values, *, wantlist: bool) -> Callable[..., Any]:
    """What `lookup` (or, with wantlist, `query`) is in a template that sees these variables."""

    def ask(name: str, /, *terms: Any, wantlist: bool = wantlist, errors: str = "strict", **options: Any) -> Any:
        try:
            terms = tuple(values.live(str(term)) if isinstance(term, Embedded) else term for term in terms)
        except UndefinedVariable as error:
            return Undefined(cause=error)
        terms = tuple(_embedded(values, term) for term in terms)
        needed = [*terms, *(value for option, value in options.items() if (short_name(str(name)), option) != ("env", "default"))]
        absent = next((value for value in needed if isinstance(value, Undefined)), None)
        if absent is not None:
            return absent
        plain = [finish(term) for term in terms]
        unknown = find_unknown(plain) or find_unknown(list(options.values()))
        if unknown is not None:
            return unknown
        try:
            given = {key: value if isinstance(value, Undefined) else finish(value) for key, value in options.items()}
            found = run(values, str(name), plain, **given)
        except NxtplayError as error:
            if errors == "strict" and isinstance(error, UndefinedVariable):  # whoever asked may provide for it
                return Undefined(cause=error)
            if errors == "strict":
                raise
            return [] if wantlist else None
        if wantlist or isinstance(found, Unknown):
            return found
        return _together(found)

    return ask


def _embedded(values: Values, term: Any) -> Any:
    """The argument of a lookup with the templates in its texts rendered."""
    if isinstance(term, Embedded):
        return values.live(str(term))
    if type(term) in (list, tuple):
        return type(term)(_embedded(values, item) for item in term)
    return {_embedded(values, key): _embedded(values, value) for key, value in term.items()} if type(term) is dict else term


def lookup(name: str) -> Lookup | None:
    """The lookup of a name, short or full; one of a collection is taken in when it is first asked for."""
    found = LOOKUPS.get(short_name(name))
    if found is None:
        from nxtplay.template import plugins

        found = LOOKUPS.get(short_name(plugins.reach("lookup", name)))
    return found


def run(values: Values, name: str, terms: Any, /, **options: Any) -> Any:
    """The list a lookup gives; an Unknown when only a real run can tell. Raises TemplateError naming the lookup."""
    function = lookup(name)
    if function is None:
        raise TemplateError(Diagnostic(f"there is no lookup named '{name}'", hint=did_you_mean(short_name(name), LOOKUPS)))
    try:
        return function(values, terms, **options)
    except NxtplayError:
        raise
    except TypeError as error:
        unexpected = re.search(r"unexpected keyword argument '(\w+)'", str(error))
        if unexpected and unexpected.group(1) in options:  # one that it does not know says nothing
            return run(values, name, terms, **{key: value for key, value in options.items() if key != unexpected.group(1)})
        raise TemplateError(f"the lookup '{name}' failed: {error}") from None
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise TemplateError(f"the lookup '{name}' failed: {error}") from None


def _together(found: list[Any]) -> Any:
    if len(found) == 1:
        return found[0]
    if found and all(isinstance(item, str) for item in found):
        text = ",".join(found)
        return Secret(text) if any(isinstance(item, Secret) for item in found) else text
    return found


def _flat_once(terms: Any) -> list[Any]:
    out: list[Any] = []
    for term in terms if isinstance(terms, (list, tuple)) else [terms]:
        out.extend(term) if isinstance(term, (list, tuple)) else out.append(term)
    return out


def items(asker: Values, terms: Any) -> list[Any]:
    return _flat_once(terms)


def as_list(asker: Values, terms: Any) -> list[Any]:
    if not isinstance(terms, (list, tuple)):
        raise TemplateError(f"the lookup 'list' takes a list, this is {described(terms)}")
    return list(terms)


def as_dict(asker: Values, terms: Any) -> list[Any]:
    out: list[Any] = []
    for term in terms if isinstance(terms, (list, tuple)) else [terms]:
        if not isinstance(term, Mapping):
            raise TemplateError(f"the 'dict' lookup plugin expects a dictionary, this is {described(term)}")
        out.extend({"key": key, "value": value} for key, value in term.items())
    return out


def flattened(asker: Values, terms: Any) -> list[Any]:
    out: list[Any] = []
    for term in terms:
        out.extend(flattened(asker, term) if isinstance(term, (list, tuple)) else [term])
    return out


def _columns(terms: Any, name: str) -> list[list[Any]]:
    columns = [list(term) if isinstance(term, (list, tuple)) else [term] for term in terms]
    if not columns:
        raise TemplateError(f"the lookup '{name}' takes at least one list")
    return columns


def nested(asker: Values, terms: Any) -> list[Any]:
    return [_flat_once(row) for row in itertools.product(*_columns(terms, "nested"))]


def together(asker: Values, terms: Any) -> list[Any]:
    return [_flat_once(row) for row in itertools.zip_longest(*_columns(terms, "together"))]


def indexed_items(asker: Values, terms: Any) -> list[Any]:
    return [[index, item] for index, item in enumerate(_flat_once(terms))]


def subelements(asker: Values, terms: Any, skip_missing: bool = False) -> list[Any]:
    from nxtplay.template.filters_data import subelements as of

    if not isinstance(terms, (list, tuple)) or len(terms) < 2:
        raise TemplateError("the lookup 'subelements' takes a list and the key of the lists in it")
    if len(terms) > 3 or not isinstance(terms[2] if len(terms) == 3 else {}, Mapping):
        raise TemplateError("the lookup 'subelements' takes, behind the list and the key, a mapping such as {skip_missing: true} at most")
    if len(terms) == 3:
        skip_missing = bool(terms[2].get("skip_missing", False))
    elements = terms[0]
    if isinstance(elements, Mapping):
        elements = [] if _left_out(elements) else list(elements.values())
    if isinstance(elements, (list, tuple)):  # results of a loop, of which some were skipped
        elements = [one for one in elements if not _left_out(one)]
    rows = of(elements, terms[1], skip_missing=skip_missing)
    path = terms[1].split(".") if isinstance(terms[1], str) else list(terms[1])
    return [[_without(element, path), each] for element, each in rows]


def _left_out(element: Any) -> bool:
    """Whether it is the result of a task that was skipped."""
    skipped = element.get("skipped", False) if isinstance(element, Mapping) else False
    return skipped is not False and not isinstance(skipped, Unknown)


def _without(element: Mapping[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """The element without the list its items were taken from."""
    if len(path) == 1:
        return {key: value for key, value in element.items() if key != path[0]}
    return {**element, path[0]: _without(element[path[0]], path[1:])}


def random_choice(asker: Values, terms: Any) -> list[Any]:
    return [random.SystemRandom().choice(list(terms))] if terms else []


_SHORTCUT = re.compile(r"^(?:(0?x?[0-9a-f]+)\s*-)?\s*(0?x?[0-9a-f]+)\s*(?:/\s*(-?[0-9]+))?\s*(?::(.*))?$", re.IGNORECASE)


def sequence(
    asker: Values, terms: Any, start: Any = None, end: Any = None, count: Any = None, stride: Any = None, format: str | None = None
) -> list[Any]:
    """Numbers as text: `start=1 end=9 stride=2 format=web%02d`, or short: `1-9/2:web%02d`."""
    given = {"start": start, "end": end, "count": count, "stride": stride, "format": format}
    out: list[Any] = []
    otherwise = [""] if any(value is not None for value in given.values()) else []
    for term in (terms if isinstance(terms, (list, tuple)) else [terms]) or otherwise:
        options = {**{key: value for key, value in given.items() if value is not None}, **_sequence_options(str(term))}
        out.extend(_numbers(options, str(term)))
    return out


def _sequence_options(term: str) -> dict[str, Any]:
    short = _SHORTCUT.match(term.strip())
    if short:
        first, last, step, layout = short.groups()
        found = {"start": first, "end": last, "stride": step, "format": layout}
        return {key: value for key, value in found.items() if value is not None}
    pairs = dict(part.split("=", 1) for part in term.split() if "=" in part)
    wrong = set(pairs) - {"start", "end", "count", "stride", "format"}
    if wrong or (term.strip() and not pairs):
        raise TemplateError(f"sequence: cannot read '{term}'; write start=1 end=5 stride=2 format=web%02d, or 1-5/2:web%02d")
    return pairs


def _numbers(options: Mapping[str, Any], term: str) -> list[str]:
    def number(key: str, otherwise: int) -> int:
        value = options.get(key)
        try:
            return otherwise if value is None else int(str(value), 0) if not str(value).lstrip("-").isdigit() else int(value)
        except ValueError:
            raise TemplateError(f"sequence: {key} is '{value}', expected a number") from None

    start, stride = number("start", 1), number("stride", 1)
    layout = str(options.get("format") or "%d")
    if ("count" in options) == ("end" in options):
        raise TemplateError(f"sequence: give either end or count, in '{term}'")
    if "count" in options:
        count = number("count", 0)
        if count == 0:
            return []
        end = start + count * stride - 1  # backwards two more than asked for, as playbooks know it
    else:
        end = number("end", 0)
    if stride == 0:
        return []
    if (stride > 0 and end < start) or (stride < 0 and end > start):
        raise TemplateError(f"sequence: it cannot go from {start} to {end} in steps of {stride}")
    try:
        return [layout % value for value in range(start, end + (1 if stride > 0 else -1), stride)]
    except (TypeError, ValueError):
        raise TemplateError(f"sequence: the format '{layout}' does not take one number; write for example web%02d") from None


def variables(asker: Values, terms: Any, default: Any = MISSING) -> list[Any]:
    out = []
    for term in terms if isinstance(terms, (list, tuple)) else [terms]:
        if not isinstance(term, str):
            raise TemplateError(f"the lookup 'vars' takes names, this is {described(term)}")
        value = asker.get(term)
        if value is MISSING:
            if default is MISSING:
                raise undefined_name(term, asker.names())
            value = default
        out.append(finish(value))
    return out


def varnames(asker: Values, terms: Any) -> list[Any]:
    found: list[Any] = []
    for term in terms:
        if not isinstance(term, str):
            raise TemplateError(f"Invalid setting identifier: the lookup 'varnames' takes patterns, this is {described(term)}")
        try:
            pattern = re.compile(term)
        except re.error as error:
            raise TemplateError(f"Unable to use '{term}' as a pattern of names: {error}") from None
        found += [name for name in asker.names() if pattern.search(name)]
    return found


def inventory_hostnames(asker: Values, terms: Any) -> list[Any]:
    match = asker.templates.match_hosts
    if match is None:
        raise TemplateError("the lookup 'inventory_hostnames' has no inventory here")
    return list(match(",".join(str(term) for term in _flat_once(terms))))


def config(
    asker: Values, terms: Any, on_missing: str = "error", plugin_type: str = "", plugin_name: str = "", show_origin: bool = False
) -> list[Any]:
    if bool(plugin_type) != bool(plugin_name):
        raise TemplateError(Diagnostic("the lookup 'config' takes plugin_type and plugin_name together"))
    settings, out = asker.templates.settings, []
    for term in terms:
        name = f"{plugin_type}.{plugin_name}.{term}" if plugin_type else str(term)
        if name in settings:
            out.append(list(settings[name]) if show_origin else settings[name][0])
        elif on_missing == "error":
            raise TemplateError(Diagnostic(f"there is no setting '{name}'", hint=did_you_mean(name, settings)))
    return out


def env(asker: Values, terms: Any, default: Any = MISSING) -> list[Any]:
    out = []
    for term in terms:
        name = str(term).split()[0] if str(term).split() else ""
        value = asker.templates.environ.get(name)
        if value is None:
            if isinstance(default, Undefined):
                raise default.complain()
            value = "" if default is MISSING else default
        out.append(value)
    return out


LOOKUPS: dict[str, Lookup] = {
    "items": items,
    "list": as_list,
    "dict": as_dict,
    "flattened": flattened,
    "nested": nested,
    "together": together,
    "indexed_items": indexed_items,
    "subelements": subelements,
    "random_choice": random_choice,
    "sequence": sequence,
    "vars": variables,
    "varnames": varnames,
    "inventory_hostnames": inventory_hostnames,
    "config": config,
    "env": env,
    **FILE_LOOKUPS,
}


_FOLDERS = {"template": "templates", "include_vars": "vars"}  # where with_first_found looks, by the task's module


def _defined(terms: Any) -> Any:
    """Terms without those among them that name what is not defined."""
    if isinstance(terms, dict):
        return {key: _defined(terms[key]) for key in terms}
    if not isinstance(terms, (list, tuple)):
        return finish(terms)
    out = []
    for index in range(len(terms)):
        try:
            out.append(_defined(terms[index]))
        except UndefinedVariable:
            continue
    return out


def loop_items(values: Values, name: str, terms: Any, module: str = "") -> Sequence[Any] | Unknown:
    """The items of `with_<name>: terms`; a lone value stands for a list of it, as it does there."""
    options: dict[str, Any] = {}
    if short_name(name) == "first_found":
        terms = _defined(terms)
        options["folder"] = _FOLDERS.get(module, "files")
    else:
        terms = finish(terms)
    if isinstance(terms, Unknown):
        return terms
    if not isinstance(terms, (list, tuple)) and short_name(name) != "dict":
        terms = [terms]
    found: Sequence[Any] | Unknown = run(values, name, terms, **options)
    return found
