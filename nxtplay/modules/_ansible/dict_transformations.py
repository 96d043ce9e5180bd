"""`ansible.module_utils.common.dict_transformations`, as far as modules use it."""

from __future__ import annotations

import copy
import re
from typing import Any, Mapping, Optional, Sequence


def dict_merge(a: Any, b: Any) -> Any:
    """Two mappings as one, `b` counting where both have a key; likewise within them."""
    if not isinstance(b, dict):
        return b
    result = copy.deepcopy(a)
    for key, value in b.items():
        result[key] = dict_merge(result[key], value) if isinstance(result.get(key), dict) else copy.deepcopy(value)
    return result


def recursive_diff(dict1: Mapping[Any, Any], dict2: Mapping[Any, Any]) -> Optional[tuple[dict[Any, Any], dict[Any, Any]]]:
    """What differs between two mappings, of each side; None where nothing does."""
    left = {key: value for key, value in dict1.items() if key not in dict2}
    right = {key: value for key, value in dict2.items() if key not in dict1}
    for key in dict1.keys() & dict2.keys():
        one, other = dict1[key], dict2[key]
        if isinstance(one, dict) and isinstance(other, dict):
            found = recursive_diff(one, other)
            if found:
                left[key], right[key] = found
        elif one != other:
            left[key], right[key] = one, other
    return (left, right) if left or right else None


def camel_dict_to_snake_dict(camel_dict: Mapping[str, Any], reversible: bool = False, ignore_list: Sequence[str] = ()) -> dict[str, Any]:
    """The mapping with `vpcId` as `vpc_id`; below the keys of `ignore_list` names stay. `reversible`: HTTPEndpoint is h_t_t_p_endpoint."""

    def told(value: Any) -> Any:
        if isinstance(value, dict):
            return camel_dict_to_snake_dict(value, reversible)
        return [told(item) for item in value] if isinstance(value, list) else value

    return {_camel_to_snake(key, reversible): value if key in ignore_list else told(value) for key, value in camel_dict.items()}


def snake_dict_to_camel_dict(snake_dict: Any, capitalize_first: bool = False) -> Any:
    """The mapping with `vpc_id` as `vpcId`, or `VpcId`; lists and mappings within it likewise."""
    if isinstance(snake_dict, list):
        return [snake_dict_to_camel_dict(item, capitalize_first) for item in snake_dict]
    if not isinstance(snake_dict, dict):
        return snake_dict
    return {_snake_to_camel(key, capitalize_first): snake_dict_to_camel_dict(value, capitalize_first) for key, value in snake_dict.items()}


def _snake_to_camel(snake: str, capitalize_first: bool = False) -> str:
    first, *rest = snake.split("_")
    return (first.capitalize() or "_" if capitalize_first else first) + "".join(part.capitalize() or "_" for part in rest)


def _camel_to_snake(name: str, reversible: bool = False) -> str:
    if reversible:
        return "".join(f"_{letter.lower()}" if letter.isupper() and at else letter.lower() for at, letter in enumerate(name))
    # TargetGroupARNs: the plural of an abbreviation
    name = re.sub(r"[A-Z]{3,}s\Z", lambda found: ("_" if found.start() else "") + found[0].lower(), name)
    parted = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z]+)", r"\1_\2", parted).lower()
