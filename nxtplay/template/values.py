"""What may stand in a variable besides plain data: text that is no template, encrypted text, the wish to omit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from nxtplay.core.state import Secret, Unknown
from nxtplay.errors import TemplateError

_MARKER = re.compile(r"\{[{%#]")


VAULT_KEY, UNSAFE_KEY = "__ansible_vault", "__ansible_unsafe"  # how JSON marks the two kinds of text that follow


class Unsafe(str):
    """Text that is data even where templates are expected (YAML's `!unsafe`)."""

    __slots__ = ()
    __unsafe__ = True


def unsafe(value: Any) -> Any:
    """A value, such as a host's answer, whose texts stay data where templates are expected."""
    if isinstance(value, Mapping):
        return {key: unsafe(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [unsafe(item) for item in value]
    return Unsafe(value) if type(value) is str else value


class Encrypted(str):
    """Vault text as it stands in a file (YAML's `!vault`); decrypted when a template or a task first needs it."""

    __slots__ = ()


class Decrypted(Secret):
    """The plain text of a value that stands encrypted in a file."""

    __slots__ = ()


def marked(value: Any) -> Any:
    """What JSON says, with the texts that it marks as encrypted or as no template."""
    if isinstance(value, Mapping):
        if len(value) == 1:
            ((key, text),) = value.items()
            if key in (VAULT_KEY, UNSAFE_KEY) and isinstance(text, str):
                return Encrypted(text) if key == VAULT_KEY else Unsafe(text)
        return {key: marked(one) for key, one in value.items()}
    return [marked(one) for one in value] if isinstance(value, list) else value


class Omit:
    """The value of `omit`: whatever is given it is left out, as if it had not been written."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "omit"

    def __bool__(self) -> bool:
        return True

    def __deepcopy__(self, memo: object) -> Omit:
        return self


OMIT: Final = Omit()


def is_template(text: str) -> bool:
    """Whether Jinja has anything to do in this text."""
    return "{" in text and _MARKER.search(text) is not None and not getattr(text, "__unsafe__", False)


class Embedded(str):
    """A template in a text that a template hands to a lookup, as in `lookup('file', '{{ name }}')`: the lookup gets what it renders to."""

    __slots__ = ()


_WRAPPED = re.compile(r"\s*\{\{(.*)\}\}\s*", re.DOTALL)


def unwrapped(text: str) -> str | None:
    """The expression in a text that is `{{ one expression }}` and nothing else; None for any other text."""
    whole = _WRAPPED.fullmatch(text)
    return whole.group(1) if whole and "{{" not in whole.group(1) else None


def written_in(text: str, value: object) -> bool:
    """Whether this very text, not marked as data, stands anywhere in a value as it was written."""
    if isinstance(value, str):
        return value == text and not getattr(value, "__unsafe__", False)
    if isinstance(value, dict):
        return any(written_in(text, one) for one in value.values())
    return isinstance(value, (list, tuple)) and any(written_in(text, one) for one in value)


def needs_rendering(value: object) -> bool:
    """Whether a template or encrypted text stands anywhere in the value."""
    if isinstance(value, str):
        return isinstance(value, Encrypted) or ("{" in value and is_template(value))
    if isinstance(value, dict):
        return any(needs_rendering(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(needs_rendering(item) for item in value)
    return False


def drop_omitted(value: Any) -> Any:
    """The value without what is OMIT, at any depth of dicts and lists; unchanged (the same object) when there is none."""
    if value is OMIT:
        raise TemplateError("'omit' can only stand for something that can be left out: an argument, a key, or an item of a list")
    return _without_omitted(value)


def _without_omitted(value: Any) -> Any:
    kind = type(value)
    if kind is dict or isinstance(value, dict):
        kept = {key: _without_omitted(item) for key, item in value.items() if item is not OMIT}
        same = len(kept) == len(value) and all(kept[key] is value[key] for key in kept)
        return value if same else kept
    if isinstance(value, list):
        items = [_without_omitted(item) for item in value if item is not OMIT]
        same = len(items) == len(value) and all(a is b for a, b in zip(items, value, strict=True))
        return value if same else items
    return value


class Missing:
    """No such attribute or key (`attribute` and `item` return MISSING)."""

    __slots__ = ()


MISSING: Final = Missing()
_METHODS_OF: dict[type, frozenset[str]] = {}


def attribute(value: Any, name: str) -> Any:
    """`value.name` as templates mean it: a public attribute of the object, else its key. MISSING when there is neither."""
    kind = type(value)
    if kind is Unknown:
        return value
    if kind not in _METHODS_OF:
        _METHODS_OF[kind] = frozenset(word for word in dir(kind) if not word.startswith("_"))
    if name in _METHODS_OF[kind] or (not isinstance(value, (dict, list, str, int, float)) and not name.startswith("_")):
        try:
            return getattr(value, name)
        except AttributeError:
            pass
    try:
        return value[name]
    except (KeyError, IndexError, TypeError, LookupError):
        return MISSING


def item(value: Any, key: Any) -> Any:
    """`value[key]`: the item, else the public attribute of that name. MISSING when there is neither."""
    if type(value) is Unknown:
        return value
    if type(key) is Unknown:
        return key
    try:
        return value[key]
    except (KeyError, IndexError, TypeError, LookupError):
        if isinstance(key, str) and not key.startswith("_") and not isinstance(value, Mapping):
            try:
                return getattr(value, key)
            except AttributeError:
                pass
        return MISSING


def keys_of(value: object) -> list[str]:
    """The names a reader could have meant after a dot; empty for what has none."""
    return [str(key) for key in value] if isinstance(value, Mapping) else []
