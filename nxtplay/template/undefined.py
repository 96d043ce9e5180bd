"""Values that are not there, from inside a template: carried about, an error as soon as they are used."""

from __future__ import annotations

import re
from typing import Any

from jinja2.runtime import Undefined as JinjaUndefined
from jinja2.utils import missing

from nxtplay.errors import NxtplayError, TemplateError, UndefinedVariable
from nxtplay.template.messages import no_such_key, reraise, undefined_name
from nxtplay.template.render import Values


class UndefinedUsed(Exception):
    """A template asked something of an undefined value; `undefined` is that value."""

    def __init__(self, undefined: Undefined) -> None:
        super().__init__(undefined)
        self.undefined = undefined


class Undefined(JinjaUndefined):
    """A name or key that is not there, or a variable that could not be rendered (`cause`); an error as soon as it is used."""

    __slots__ = ("among", "cause")

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: Any = None,
        exc: Any = None,
        *,
        cause: NxtplayError | None = None,
        among: Values | None = None,
    ) -> None:
        super().__init__(hint, obj, name)
        self.cause, self.among = cause, among

    def complain(self) -> NxtplayError:
        if self.cause is not None:
            return self.cause
        if self._undefined_hint:
            return UndefinedVariable(str(self._undefined_hint), name=str(self._undefined_name or ""))
        if self._undefined_obj is missing:
            return undefined_name(str(self._undefined_name), self.among.names() if self.among else ())
        return no_such_key("", self._undefined_obj, self._undefined_name)

    @property
    def is_absence(self) -> bool:
        """Whether it stands for something not there, not for something that failed."""
        return self.cause is None or isinstance(self.cause, UndefinedVariable)

    def _used(self, *args: Any, **kwargs: Any) -> Any:
        raise UndefinedUsed(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: Any) -> Any:
        return self

    _fail_with_undefined_error = _used
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _used
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pos__ = __neg__ = __call__ = _used
    __lt__ = __le__ = __gt__ = __ge__ = __int__ = __float__ = __complex__ = __pow__ = __rpow__ = _used
    __iter__ = __str__ = __len__ = __eq__ = __ne__ = __bool__ = __contains__ = _used
    __hash__ = JinjaUndefined.__hash__

    def __repr__(self) -> str:
        return f"Undefined({self._undefined_name!r})"


def explained(undefined: Undefined, text: str, values: Values) -> TemplateError:
    """What to say of an undefined value that `text` used."""
    if undefined.cause is not None:
        return reraise(undefined.cause)
    name = undefined._undefined_name
    if undefined._undefined_hint:
        return UndefinedVariable(str(undefined._undefined_hint), name=str(name or ""))
    if undefined._undefined_obj is missing:
        return undefined_name(str(name), values.names())
    return no_such_key(_parent_of(text, name), undefined._undefined_obj, name)


def _parent_of(text: str, key: Any) -> str:
    """The expression in front of `.key` or `['key']` in a text, when there is just one."""
    steps = r"""((?:[A-Za-z_]\w*)(?:\.[A-Za-z_]\w*|\[[^\[\]]*\])*)"""
    word = re.escape(str(key))
    found = {m.group(1) for m in re.finditer(steps + rf"(?:\.{word}\b|\[\s*['\"]?{word}['\"]?\s*\])", text)}
    return found.pop() if len(found) == 1 else ""


def shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:77] + "..."
