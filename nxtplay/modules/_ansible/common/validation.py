"""`ansible.module_utils.common.validation`: values by their type, and rules about which arguments go together. All raise TypeError."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
from typing import Any, Iterable, Mapping, Optional, Sequence

from .text.formatters import human_to_bytes

TRUE = frozenset(("y", "yes", "on", "1", "true", "t", 1, 1.0, True))
FALSE = frozenset(("n", "no", "off", "0", "false", "f", 0, 0.0, False))
Context = Optional[Sequence[str]]

# -- types


def check_type_str(value: Any, allow_conversion: bool = True, param: Any = None, prefix: str = "") -> str:
    if isinstance(value, str):
        return value
    if not allow_conversion:
        raise TypeError(f"{value!r} is not a string and conversion is not allowed")
    return value.decode() if isinstance(value, bytes) else "" if value is None else str(value)


def check_type_list(value: Any) -> list[Any]:
    if isinstance(value, str):
        return value.split(",")
    if isinstance(value, (int, float)):
        return [str(value)]
    if not isinstance(value, (list, tuple, set)):
        raise TypeError(f"{type(value).__name__} cannot be converted to a list")
    return list(value)


def check_type_dict(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("{"):
            value = _evaluated(text)
        elif "=" in text:
            words = re.findall(r"""((?:[^\s,"']|"[^"]*"|'[^']*')+)""", text)
            value = dict(" ".join(shlex.split(word)).split("=", 1) for word in words if "=" in word)
    if not isinstance(value, dict):
        raise TypeError(f"{type(value).__name__} cannot be converted to a dict")
    return value


def _evaluated(text: str) -> Any:
    """What JSON, or a literal of Python, holds."""
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError):
            continue
    raise TypeError("unable to evaluate string as dictionary")


def safe_eval(value: Any, locals: Any = None, include_exceptions: bool = False) -> Any:
    """What a literal of Python holds; the text itself where it is none."""
    error: Optional[Exception] = None
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError) as wrong:
            error = wrong
    return (value, error) if include_exceptions else value


def check_type_bool(value: Any) -> bool:
    word = value.lower().strip() if isinstance(value, str) else value
    if isinstance(word, (str, int, float)) and word in TRUE | FALSE:
        return word in TRUE
    raise TypeError(f"The value {value!r} is not a valid boolean.")


def check_type_int(value: Any) -> int:
    try:
        number = float(value) if isinstance(value, str) and "." in value else value
        if isinstance(number, float) and not number.is_integer():
            raise ValueError
        return int(number)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f'"{value!r}" cannot be converted to an int') from None


def check_type_float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{type(value).__name__} cannot be converted to a float") from None


def check_type_path(value: Any) -> str:
    return os.path.expanduser(os.path.expandvars(check_type_str(value)))


def check_type_raw(value: Any) -> Any:
    return value


def check_type_bytes(value: Any) -> int:
    try:
        return human_to_bytes(value)
    except ValueError:
        raise TypeError(f"{type(value).__name__} cannot be converted to a Byte value") from None


def check_type_bits(value: Any) -> int:
    try:
        return human_to_bytes(value, isbits=True)
    except ValueError:
        raise TypeError(f"{type(value).__name__} cannot be converted to a Bit value") from None


def check_type_jsonarg(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value)
    raise TypeError(f"{type(value).__name__} cannot be converted to a json string")


TYPES: dict[str, Any] = {
    "str": check_type_str,
    "list": check_type_list,
    "dict": check_type_dict,
    "bool": check_type_bool,
    "int": check_type_int,
    "float": check_type_float,
    "path": check_type_path,
    "raw": check_type_raw,
    "bytes": check_type_bytes,
    "bits": check_type_bits,
    "jsonarg": check_type_jsonarg,
    "json": check_type_jsonarg,
}

# -- rules; `parameters` holds what is given. Each gives what breaks it: nothing where it does not raise.


def count_terms(terms: Any, parameters: Iterable[str]) -> int:
    """How many of the names are given."""
    return len(set([terms] if isinstance(terms, str) else terms) & set(parameters))


def check_mutually_exclusive(terms: Any, parameters: Mapping[str, Any], options_context: Context = None) -> list[Any]:
    wrong = [group for group in terms or () if count_terms(group, parameters) > 1]
    if wrong:
        raise TypeError("parameters are mutually exclusive: " + ", ".join("|".join(group) for group in wrong) + _within(options_context))
    return []


def check_required_one_of(terms: Any, parameters: Mapping[str, Any], options_context: Context = None) -> list[Any]:
    for group in terms or ():
        if not count_terms(group, parameters):
            raise TypeError(f"one of the following is required: {', '.join(group)}{_within(options_context)}")
    return []


def check_required_together(terms: Any, parameters: Mapping[str, Any], options_context: Context = None) -> list[Any]:
    for group in terms or ():
        if 0 < count_terms(group, parameters) < len(group):
            raise TypeError(f"parameters are required together: {', '.join(group)}{_within(options_context)}")
    return []


def check_required_by(requirements: Any, parameters: Mapping[str, Any], options_context: Context = None) -> dict[str, Any]:
    for key, needed in (requirements or {}).items():
        lacking = [name for name in ([needed] if isinstance(needed, str) else needed) if parameters.get(name) is None]
        if parameters.get(key) is not None and lacking:
            raise TypeError(f"missing parameter(s) required by '{key}': {', '.join(lacking)}{_within(options_context)}")
    return {}


def check_required_arguments(argument_spec: Any, parameters: Mapping[str, Any], options_context: Context = None) -> list[str]:
    lacking = sorted(name for name, one in (argument_spec or {}).items() if one.get("required") and name not in parameters)
    if lacking:
        raise TypeError(f"missing required arguments: {', '.join(lacking)}{_within(options_context)}")
    return []


def check_required_if(requirements: Any, parameters: Mapping[str, Any], options_context: Context = None) -> list[Any]:
    for key, value, needed, *any_of in requirements or ():
        lacking = [name for name in needed if name not in parameters]
        one_is_enough = bool(any_of and any_of[0])
        enough = len(lacking) < len(needed) if one_is_enough else not lacking
        if key in parameters and str(parameters[key]) == str(value) and not enough:
            kind = "any" if one_is_enough else "all"
            raise TypeError(f"{key} is {value} but {kind} of the following are missing: {', '.join(lacking)}{_within(options_context)}")
    return []


def check_missing_parameters(parameters: Mapping[str, Any], required_parameters: Optional[Sequence[str]] = None) -> list[str]:
    lacking = [name for name in required_parameters or () if not parameters.get(name)]
    if lacking:
        raise TypeError(f"missing required arguments: {', '.join(lacking)}")
    return []


def _within(context: Context) -> str:
    return f" found in {' -> '.join(context)}" if context else ""
