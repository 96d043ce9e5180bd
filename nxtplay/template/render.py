"""Rendering: templates to values, in the variables of a scope.

A scope is a mapping from names to values as written. A value that came from a file may be a template; it is rendered when something
first needs it, once per scope, and only the part that is needed: of a dict with a hundred templates, `d.x` renders one.
A scope may say more than a mapping does:

    find(name) -> (value, trusted)   trusted False: the value is data (a module's result, a fact) and never a template. KeyError: not there
    where(name) -> Span | None       the place of the value, for messages
    written(text) -> bool            whether this very text stands in a file of ours; only such a text may become a condition
    rendered: dict[str, Any]         where rendered values are kept, so that they outlive one call
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nxtplay.core.state import Unknown, UnknownReached
from nxtplay.errors import Diagnostic, Span, TemplateError
from nxtplay.template.lazy import LazyDict, LazyList, finish
from nxtplay.template.messages import located
from nxtplay.template.quick import quick
from nxtplay.template.values import MISSING, OMIT, Decrypted, Encrypted, Unsafe, is_template, needs_rendering, unwrapped, written_in

if TYPE_CHECKING:
    from nxtplay.template.files import TemplateOptions

Program = Callable[["Values"], Any]
_RENDERING = object()


class Templates:
    """Every template of one run, compiled once.

    decrypt: turns vault text into plain text. environ: what `lookup('env')` sees. settings: what `lookup('config')` sees, and where it
    was said. match_hosts: names of the hosts of a pattern, for `lookup('inventory_hostnames')`. may_write False (a check): lookups
    write no files.
    on_secret is told every secret that a template has brought to light, so that output can be masked.
    """

    def __init__(
        self,
        *,
        decrypt: Callable[[str], str] | None = None,
        environ: Mapping[str, str] | None = None,
        settings: Mapping[str, tuple[Any, str]] | None = None,
        match_hosts: Callable[[str], Sequence[str]] | None = None,
        on_secret: Callable[[str], None] | None = None,
        may_write: bool = True,
    ) -> None:
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        self.settings: Mapping[str, tuple[Any, str]] = settings or {}
        self.match_hosts = match_hosts
        self._decrypt = decrypt
        self.on_secret = on_secret
        self.may_write = may_write
        self.file_environments: dict[Any, Any] = {}
        self._file_programs: dict[Any, Any] = {}
        self._programs: dict[str, Program] = {}
        self._expressions: dict[str, Program] = {}
        self._static: dict[int, tuple[Any, bool]] = {}
        self._engine: Any = None

    # -- doors

    def render(self, value: Any, scope: Mapping[str, Any], *, span: Span | None = None) -> Any:
        """The value with every template in it rendered, as plain data.

        A text that is one expression gives that expression's object, any other text gives text. Where the outcome cannot be foreseen an
        Unknown stands in its place. What is `omit` is left out of dicts and lists; a value that is `omit` itself comes back as OMIT.
        Raises TemplateError (UndefinedVariable for a name that is not there), placed at `span` or at the value's own place.
        """
        if isinstance(value, str) and not is_template(value) and not isinstance(value, Encrypted):
            return value
        return self._outermost(lambda: finish(Values(self, scope).live(value)), span)

    def evaluate(self, expression: Any, scope: Mapping[str, Any], *, span: Span | None = None) -> Any:
        """The value of a bare Jinja expression (`when`, `until`, `that`); other values than text stand for themselves."""
        if not isinstance(expression, str):
            return self.render(expression, scope, span=span)
        program = self._expressions.get(expression)
        if program is None:
            program = self._outermost(lambda: self.engine.expression(expression), span)
            self._expressions[expression] = program
        values = Values(self, scope)
        return self._outermost(lambda: finish(program(values)), span)

    def test(
        self, conditions: Iterable[Any], scope: Mapping[str, Any], *, span: Span | None = None, false: list[Any] | None = None
    ) -> bool | Unknown:
        """Whether all conditions hold, asked in order up to the first that does not.

        A condition is text, a bool, or an object with `value` and `span`. None and empty text hold. The Unknown that one of them
        depends on is the answer, unless a later condition is certainly false. The one that does not hold is added to `false`.
        """
        unknown: Unknown | None = None
        for condition in conditions:
            at = getattr(condition, "span", None) or span
            text = getattr(condition, "value", condition)
            if text is None or (isinstance(text, str) and not text.strip()):
                continue
            if isinstance(text, Unsafe):
                told = "untrusted template or expression: what is !unsafe is no condition"
                raise TemplateError(Diagnostic(told, at, "leave !unsafe out"))
            try:
                value = self.evaluate(text, scope, span=at)
                if isinstance(value, str) and isinstance(text, str) and unwrapped(text) is not None:
                    value = self.evaluate(self.at_second_hand(value, scope, span=at), scope, span=at)
                answer = _truth(value, text, at)
            except TemplateError:
                if unknown is not None:  # it may never be asked in a real run
                    return unknown
                raise
            if isinstance(answer, Unknown):
                unknown = answer if unknown is None else unknown
            elif not answer:
                if false is not None:
                    false.append(text)
                return False
        return True if unknown is None else unknown

    def at_second_hand(self, condition: str, scope: Mapping[str, Any], *, span: Span | None = None) -> str | bool:
        """A condition that a template brought (`when: "{{ ready_if }}"`), if it stands in a file of ours. An empty one does not hold.

        Raises TemplateError for any other text: what a host has answered could have lookups run commands here.
        """
        if not condition.strip():
            return False
        written = getattr(scope, "written", None)
        if written(condition) if written else written_in(condition, dict(scope)):
            return condition
        told = f"untrusted template or expression: no variable of a file holds the text {str(condition)!r}, so it is no condition"
        raise TemplateError(Diagnostic(told, span, "write the condition itself, without {{ and }}"))

    def render_file(
        self, text: str, scope: Mapping[str, Any], *, file: str, options: TemplateOptions | None = None, search: Sequence[str] = ()
    ) -> str | Unknown:
        """The text of a template file rendered as the module `template` does; `search`: folders for includes and imports.

        Raises TemplateError placed in the file.
        """
        from nxtplay.template.files import TemplateOptions, render_text

        values = Values(self, scope)
        work = lambda: render_text(self, text, values, options=options or TemplateOptions(), file=file, search=search)  # noqa: E731
        return self._outermost(work, None)  # type: ignore[no-any-return]

    def loop_items(
        self, lookup: str, terms: Any, scope: Mapping[str, Any], *, span: Span | None = None, module: str = ""
    ) -> list[Any] | Unknown:
        """The items of `with_<lookup>: terms` of a task with this module."""
        from nxtplay.template.lookups import loop_items

        values = Values(self, scope)
        return self._outermost(lambda: finish(loop_items(values, lookup, values.live(terms), module)), span)  # type: ignore[no-any-return]

    def view(self, scope: Mapping[str, Any]) -> View:
        """The scope as a read-only mapping of rendered values (an entry of `hostvars`)."""
        return View(Values(self, scope))

    # -- used by the rest of the room

    @property
    def engine(self) -> Any:
        """Jinja, loaded at the first template that needs it."""
        if self._engine is None:
            from nxtplay.template.engine import Engine

            self._engine = Engine()
        return self._engine

    def program(self, text: str) -> Program:
        found = self._programs.get(text)
        if found is None:
            found = self._programs[text] = quick(text) or self.engine.text(text)
        return found

    def file_program(self, environment: Any, text: str, options: Any, file: str) -> Any:
        key = (text, options, file, id(environment))
        if key not in self._file_programs:
            code = environment.compile(text, None, file)
            self._file_programs[key] = environment.template_class.from_code(environment, code, {}, None)
        return self._file_programs[key]

    def reveal(self, text: str) -> str:
        """The plain text of vault text, which no output may show."""
        plain = Decrypted(self.decrypted(text))
        if self.on_secret:
            self.on_secret(plain)
        return plain

    def decrypted(self, text: str) -> str:
        """The plain text of vault text."""
        if self._decrypt is None:
            raise TemplateError(
                Diagnostic("this value is encrypted and no vault password was given", hint="add --vault-password-file or -J")
            )
        return self._decrypt(text)

    def is_static(self, value: Any) -> bool:
        """Whether a container holds no template at all (remembered for the containers of files)."""
        known = self._static.get(id(value))
        if known is None or known[0] is not value:
            known = (value, not needs_rendering(value))
            if len(value) > 8:
                self._static[id(value)] = known
        return known[1]

    def _outermost(self, work: Callable[[], Any], span: Span | None) -> Any:
        try:
            return work()
        except UnknownReached as reached:
            return reached.unknown
        except TemplateError as error:
            raise located(error, span, "needed here") from None
        except RecursionError:
            raise TemplateError(Diagnostic("the template nests too deep", span, "look for a variable that leads back to itself")) from None


def _truth(value: Any, text: Any, span: Span | None) -> bool | Unknown:
    if isinstance(value, (bool, Unknown)):
        return value
    if isinstance(value, str) and value.strip().lower() in ("false", "no", "off", "0", "n", "f"):
        raise TemplateError(
            Diagnostic(
                f"the condition `{text}` is the text {str(value)!r}, which counts as true because it is not empty",
                span,
                hint=f"say what you mean: `{text} | bool`",
            )
        )
    return bool(value)


class Values:
    """The variables of one scope, rendered when asked for."""

    __slots__ = ("_stack", "_where", "find", "rendered", "scope", "templates")

    def __init__(self, templates: Templates, scope: Mapping[str, Any]) -> None:
        self.templates = templates
        self.scope = scope
        kept = getattr(scope, "rendered", None)
        self.rendered: dict[str, Any] = {} if kept is None else kept
        self.find: Callable[[str], tuple[Any, bool]] = getattr(scope, "find", None) or (lambda name: (scope[name], True))
        self._where: Callable[[str], Span | None] = getattr(scope, "where", None) or (lambda name: None)
        self._stack: list[str] = []

    def get(self, name: str) -> Any:
        """The value of a name, containers still lazy; MISSING when there is no such name. Raises what rendering it raises."""
        value = self.rendered.get(name, MISSING)
        if value is not MISSING:
            if value is _RENDERING:
                raise self._cycle(name)
            return value
        try:
            value, trusted = self.find(name)
        except KeyError:
            return self._global(name)
        if not trusted or not isinstance(value, (str, dict, list, tuple)):
            return value
        if isinstance(value, str) and not is_template(value) and not isinstance(value, Encrypted):
            return value
        self.rendered[name] = _RENDERING
        self._stack.append(name)
        try:
            value = self.live(value)
        except TemplateError as error:
            del self.rendered[name]
            raise located(error, self._where(name), f"needed by the variable '{name}'") from None
        except BaseException:
            del self.rendered[name]
            raise
        finally:
            self._stack.pop()
        self.rendered[name] = value
        return value

    def live(self, value: Any) -> Any:
        """A value as written, rendered: text at once, containers piece by piece when looked into."""
        if isinstance(value, str):
            if isinstance(value, Encrypted):
                plain = self.templates.reveal(value)
                return self.live(str(plain)) if is_template(plain) else plain
            return self.text(value) if is_template(value) else value
        if isinstance(value, (dict, list, tuple)) and not self.templates.is_static(value):
            return LazyDict(value, self) if isinstance(value, dict) else LazyList(value, self)
        return value

    def text(self, text: str) -> Any:
        try:
            return self.templates.program(text)(self)
        except UnknownReached as reached:
            return reached.unknown

    def names(self) -> list[str]:
        return [*self.scope]

    def nested(self, further: Mapping[str, Any]) -> Values:
        """These variables with some more on top (the `template_vars` of a lookup)."""
        return Values(self.templates, _Layered(self, further))

    def _global(self, name: str) -> Any:
        if name == "omit":
            return OMIT
        if name == "vars":
            return View(self)
        if name in ("lookup", "query", "q"):
            from nxtplay.template.lookups import asked

            return asked(self, wantlist=name != "lookup")
        return MISSING

    def _cycle(self, name: str) -> TemplateError:
        loop = [*self._stack[self._stack.index(name) :], name] if name in self._stack else [name, name]
        return TemplateError(
            Diagnostic(
                f"recursive loop in variable {' -> '.join(loop)}",
                self._where(name),
                hint="a variable cannot be made from itself; give one of them another name",
            )
        )


class _Layered(Mapping[str, Any]):
    def __init__(self, below: Values, further: Mapping[str, Any]) -> None:
        self._below, self._further = below, further

    def find(self, name: str) -> tuple[Any, bool]:
        if name in self._further:
            return self._further[name], False
        value = self._below.get(name)
        if value is MISSING:
            raise KeyError(name)
        return value, False

    def __getitem__(self, name: str) -> Any:
        return self.find(name)[0]

    def __iter__(self) -> Any:
        return iter({**dict.fromkeys(self._below.names()), **self._further})

    def __len__(self) -> int:
        return len(list(iter(self)))


class View(Mapping[str, Any]):
    """A scope from inside a template: reading a name renders it."""

    def __init__(self, values: Values) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        value = self._values.get(name)
        if value is MISSING:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        return name in self._values.scope

    def __iter__(self) -> Any:
        return iter(self._values.names())

    def __len__(self) -> int:
        return len(self._values.names())
