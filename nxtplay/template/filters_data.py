"""Filters on values, dicts and lists."""

from __future__ import annotations

import itertools
import operator
import random as randomness
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from jinja2.filters import FILTERS as JINJA
from jinja2.runtime import Undefined as JinjaUndefined
from jinja2.utils import pass_environment

from nxtplay.core.state import Unknown, UnknownReached
from nxtplay.errors import TemplateError, UndefinedVariable
from nxtplay.template.environment import Environment
from nxtplay.template.messages import described
from nxtplay.template.registry import chooses, takes_undefined
from nxtplay.template.undefined import Undefined
from nxtplay.template.values import MISSING


@takes_undefined
def default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    if isinstance(value, JinjaUndefined):
        if isinstance(value, Undefined) and not value.is_absence:
            raise value.complain()
        return default_value
    return default_value if boolean and not value else value


@takes_undefined
def mandatory(value: Any, msg: str | None = None) -> Any:
    if not isinstance(value, JinjaUndefined):
        return value
    if isinstance(value, Undefined) and not value.is_absence:
        raise value.complain()
    name = getattr(value, "_undefined_name", None) or ""
    raise UndefinedVariable(msg or f"the mandatory variable {name!r} is not defined", name=str(name))


@takes_undefined
def type_debug(value: Any) -> str:
    kind = type(value)
    for plain in (bool, int, float, str, dict, list):
        if issubclass(kind, plain):
            return plain.__name__
    return kind.__name__


def to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.lower() in ("yes", "on", "1", "true")
    return bool(value == 1)


@chooses
def ternary(value: Any, true_val: Any, false_val: Any, none_val: Any = None) -> Any:
    if value is None and none_val is not None:
        return none_val
    return true_val if bool(value) else false_val


def combine(*terms: Any, recursive: bool = False, list_merge: str = "replace") -> dict[Any, Any]:
    """Later dicts over earlier ones. list_merge says how two lists under one key meet when `recursive` or always at the top."""
    if list_merge not in ("replace", "keep", "append", "prepend", "append_rp", "prepend_rp"):
        raise TemplateError(f"list_merge is '{list_merge}', expected replace, keep, append, prepend, append_rp or prepend_rp")
    dicts = [each for term in terms for each in (term if isinstance(term, (list, tuple)) else [term]) if each is not None]
    for each in dicts:
        if not isinstance(each, Mapping):
            raise TemplateError(f"combine takes dicts, this is {described(each)}: {str(each)[:60]!r}")
    out: dict[Any, Any] = {}
    for each in dicts:
        out = _merged(out, each, recursive, list_merge)
    return out


def _flat(terms: Iterable[Any]) -> Iterable[Any]:
    for term in terms:
        if isinstance(term, (list, tuple)):
            yield from _flat(term)
        else:
            yield term


def _merged(low: Mapping[Any, Any], high: Mapping[Any, Any], recursive: bool, list_merge: str) -> dict[Any, Any]:
    out = dict(low)
    for key, value in high.items():
        old = out.get(key)
        if key in out and isinstance(old, Mapping) and isinstance(value, Mapping) and recursive:
            out[key] = _merged(old, value, recursive, list_merge)
        elif key in out and isinstance(old, list) and isinstance(value, list):
            out[key] = _merged_lists(old, value, list_merge)
        else:
            out[key] = value
    return out


def _merged_lists(low: list[Any], high: list[Any], how: str) -> list[Any]:
    if how == "keep":
        return low
    if how == "append":
        return low + high
    if how == "prepend":
        return high + low
    if how == "append_rp":
        return [item for item in low if item not in high] + high
    if how == "prepend_rp":
        return high + [item for item in low if item not in high]
    return high


def dict2items(value: Any, key_name: str = "key", value_name: str = "value") -> list[dict[str, Any]]:
    if not isinstance(value, Mapping):
        raise TemplateError(f"dict2items takes a dict, this is {described(value)}")
    return [{key_name: key, value_name: item} for key, item in value.items()]


def items2dict(value: Any, key_name: str = "key", value_name: str = "value") -> dict[Any, Any]:
    if isinstance(value, (str, Mapping)) or not isinstance(value, Sequence):
        raise TemplateError(f"items2dict takes a list, this is {described(value)}")
    try:
        return {item[key_name]: item[value_name] for item in value}
    except (KeyError, TypeError):
        raise TemplateError(f"items2dict needs a list of dicts that have '{key_name}' and '{value_name}'") from None


def flatten(value: Any, levels: int | None = None, skip_nulls: bool = True) -> list[Any]:
    out: list[Any] = []
    for item in value:
        if skip_nulls and (item is None or (isinstance(item, str) and item in ("None", "null"))):
            continue
        if isinstance(item, (list, tuple)):
            if levels is None:
                out.extend(flatten(item, skip_nulls=skip_nulls))
            elif levels >= 1:
                out.extend(flatten(item, levels=int(levels) - 1, skip_nulls=skip_nulls))
            else:
                out.append(item)
        else:
            out.append(item)
    return out


def subelements(value: Any, path: Any, skip_missing: bool = False) -> list[list[Any]]:
    if isinstance(value, Mapping):
        elements = list(value.values())
    elif isinstance(value, (list, tuple)):
        elements = list(value)
    else:
        raise TemplateError(f"subelements takes a list or a dict, this is {described(value)}")
    keys = path.split(".") if isinstance(path, str) else list(path)
    out: list[list[Any]] = []
    for element in elements:
        found = element
        for key in keys:
            try:
                found = found[key] if isinstance(found, Mapping) else MISSING
            except KeyError:
                found = MISSING
            if isinstance(found, Unknown):  # of a result of which a check knows a part
                raise UnknownReached(found)
            if found is MISSING:
                if skip_missing:
                    found = []
                    break
                raise TemplateError(f"subelements: there is no key '{key}' in {str(element)[:80]}")
        if not isinstance(found, list):
            raise TemplateError(f"subelements: '{'.'.join(map(str, keys))}' should lead to a list, it leads to {described(found)}")
        out.extend([element, each] for each in found)
    return out


@pass_environment
def extract(environment: Environment, key: Any, container: Any, morekeys: Any = None) -> Any:
    keys = [key] if morekeys is None else [key, *morekeys] if isinstance(morekeys, list) else [key, morekeys]
    value = container
    for each in keys:
        value = environment.getitem(value, each)
    return value


class Group(list):  # type: ignore[type-arg]
    """A value and the items that have it, which templates may also ask for as `grouper` and `list`."""

    __slots__ = ()
    grouper = property(operator.itemgetter(0))
    list = property(operator.itemgetter(1))


@pass_environment
def groupby(environment: Environment, value: Any, attribute: Any, default: Any = None, case_sensitive: bool = False) -> list[Group]:
    groups = JINJA["groupby"](environment, value, attribute, default, case_sensitive)
    return [Group([key, list(items)]) for key, items in groups]


def zipped(*lists: Any) -> list[list[Any]]:
    return [list(row) for row in zip(*lists, strict=False)]


def zip_longest(*lists: Any, fillvalue: Any = None) -> list[list[Any]]:
    return [list(row) for row in itertools.zip_longest(*lists, fillvalue=fillvalue)]


def product(*lists: Any, repeat: int = 1) -> list[list[Any]]:
    return [list(row) for row in itertools.product(*lists, repeat=repeat)]


def permutations(value: Any, size: int | None = None) -> list[list[Any]]:
    return [list(row) for row in itertools.permutations(value, size)]


def combinations(value: Any, size: int) -> list[list[Any]]:
    return [list(row) for row in itertools.combinations(value, size)]


def random(end: Any, start: int | None = None, step: int | None = None, seed: Any = None) -> Any:
    source = randomness.SystemRandom() if seed is None else randomness.Random(seed)
    if isinstance(end, int):
        return source.randrange(start or 0, end, step or 1)
    if start or step:
        raise TemplateError("random: start and step go with a number, not with a list")
    return source.choice(list(end))


def shuffle(value: Any, seed: Any = None) -> Any:
    out = list(value)
    (randomness.SystemRandom() if seed is None else randomness.Random(seed)).shuffle(out)
    return out


def rekey_on_member(value: Any, key: str, duplicates: str = "error") -> dict[Any, Any]:
    if duplicates not in ("error", "overwrite"):
        raise TemplateError(f"rekey_on_member: duplicates is '{duplicates}', expected error or overwrite")
    rows = value.values() if isinstance(value, Mapping) else value
    out: dict[Any, Any] = {}
    for row in rows:
        if not isinstance(row, Mapping) or key not in row:
            raise TemplateError(f"rekey_on_member: an item has no key '{key}'")
        if row[key] in out and duplicates == "error":
            raise TemplateError(f"rekey_on_member: '{row[key]}' appears twice")
        out[row[key]] = row
    return out


def json_query(value: Any, expression: str) -> Any:
    try:
        import jmespath  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        raise TemplateError("json_query needs the library jmespath; install it next to nxtplay: pip install jmespath") from None
    return jmespath.search(expression, value)


def log(value: Any, base: Any = None) -> float:
    import math

    if base == 10:
        return math.log10(value)
    return math.log(value) if base is None else math.log(value, base)


def power(value: Any, exponent: Any) -> Any:
    import math

    return math.pow(value, exponent)


def root(value: Any, base: Any = 2) -> Any:
    import math

    return math.sqrt(value) if base == 2 else math.pow(value, 1.0 / float(base))


@pass_environment
def attr(environment: Environment, value: Any, name: str) -> Any:
    return environment.getattr(value, name)


FILTERS: dict[str, Callable[..., Any]] = {
    "default": default,
    "d": default,
    "mandatory": mandatory,
    "type_debug": type_debug,
    "bool": to_bool,
    "ternary": ternary,
    "combine": combine,
    "dict2items": dict2items,
    "items2dict": items2dict,
    "flatten": flatten,
    "subelements": subelements,
    "extract": extract,
    "groupby": groupby,
    "zip": zipped,
    "zip_longest": zip_longest,
    "product": product,
    "permutations": permutations,
    "combinations": combinations,
    "random": random,
    "shuffle": shuffle,
    "rekey_on_member": rekey_on_member,
    "json_query": json_query,
    "log": log,
    "pow": power,
    "root": root,
    "attr": attr,
}
