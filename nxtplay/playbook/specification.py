"""What a role says about its arguments, held against what may be said: keys that are misspelt have no effect, and nobody would notice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from nxtplay.errors import did_you_mean
from nxtplay.playbook.findings import Findings
from nxtplay.playbook.keywords import templated
from nxtplay.playbook.model import YamlMap
from nxtplay.template.messages import described

_RULES = "mutually_exclusive required_together required_one_of required_if required_by"
_ENTRY = f"short_description description author version_added options seealso notes attributes deprecated examples {_RULES}".split()
_OPTION = (
    f"type required default choices elements options description version_added no_log aliases apply_defaults fallback deprecated_aliases "
    f"removed_in_version removed_at_date removed_from_collection deprecated context env ini vars cli {_RULES}"
).split()
TYPES = "str bool int float path raw jsonarg json bytes bits list dict sid".split()


def check(specs: YamlMap, found: Findings) -> None:
    """Findings in the specifications of entry points: a misspelt key is a warning, a type that does not exist an error."""
    waiting: list[YamlMap] = []
    for entry in _mappings(specs, specs, found):
        _keys(entry, _ENTRY, found)
        waiting += _mappings(entry, ("options",), found)
    while waiting:
        options = waiting.pop()
        for option in _mappings(options, options, found):
            _keys(option, _OPTION, found)
            _types(option, found)
            waiting += _mappings(option, ("options",), found)


def _mappings(mapping: YamlMap, keys: Iterable[Any], found: Findings) -> Iterator[YamlMap]:
    """The values of some keys; a finding for each that is there and no mapping."""
    for key in keys:
        value = mapping.get(key)
        if isinstance(value, YamlMap):
            yield value
        elif value is not None:
            found.error(f"'{key}' of an argument specification is a mapping, found {described(value)}", mapping.values_at[key])


def _keys(mapping: YamlMap, known: list[str], found: Findings) -> None:
    for key in mapping:
        if key not in known and (near := did_you_mean(str(key), known)):
            found.warning(f"'{key}' is no key of an argument's specification and has no effect", mapping.keys_at[key], near)


def _types(option: YamlMap, found: Findings) -> None:
    for key in ("type", "elements"):
        kind = option.get(key)
        if isinstance(kind, str) and kind not in TYPES and not templated(kind):
            hint = did_you_mean(kind, TYPES) or f"types are: {', '.join(TYPES)}"
            found.error(f"there is no type '{kind}' of arguments", option.values_at[key], hint)
