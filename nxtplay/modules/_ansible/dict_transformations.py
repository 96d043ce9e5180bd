"""`ansible.module_utils.common.dict_transformations`, as far as modules use it."""

from __future__ import annotations

import copy
from typing import Any, Mapping, Optional


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
