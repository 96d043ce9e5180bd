"""Jinja, set up to give objects instead of text, to read a scope lazily and to let unknown values through.

The only file that knows Jinja's inside: its code generator, contexts and undefined values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.lexer import Lexer
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.runtime import Context as JinjaContext
from jinja2.runtime import Undefined as JinjaUndefined
from jinja2.utils import missing

from nxtplay.core.state import Unknown, UnknownReached
from nxtplay.errors import Diagnostic, NxtplayError, TemplateError, UndefinedVariable, did_you_mean
from nxtplay.template.lazy import joined, text_of, with_newlines
from nxtplay.template.messages import no_such_key, reraise, undefined_name
from nxtplay.template.registry import Registry, filters, tests
from nxtplay.template.render import Program, Values
from nxtplay.template.values import MISSING, item
from nxtplay.template.values import attribute as attribute_of


class UndefinedUsed(Exception):
    """A template asked something of an undefined value; `undefined` is that value."""

    def __init__(self, undefined: Undefined) -> None:
        super().__init__(undefined)
        self.undefined = undefined


class Undefined(JinjaUndefined):
    """A name or key that is not there, or a variable that could not be rendered (`cause`); an error as soon as it is used."""

    __slots__ = ("among", "cause")

    def __init__(
        self, hint: str | None = None, obj: Any = missing, name: Any = None, exc: Any = None, *,
        cause: NxtplayError | None = None, among: Values | None = None,
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


class Frames(Mapping[str, Any]):
    """What Jinja takes for the dict of variables: template-local names over the variables of a scope."""

    __slots__ = ("below", "own")

    def __init__(self, own: Mapping[str, Any], below: Frames | Values) -> None:
        self.own, self.below = own, below

    @property
    def variables(self) -> Values:
        return self.below.variables if isinstance(self.below, Frames) else self.below

    def resolve(self, name: str) -> Any:
        if name in self.own:
            return self.own[name]
        if isinstance(self.below, Frames):
            return self.below.resolve(name)
        try:
            return self.below.get(name)
        except NxtplayError as error:
            return Undefined(name=name, cause=error)

    def __getitem__(self, name: str) -> Any:
        value = self.resolve(name)
        if value is MISSING:
            raise KeyError(name)
        return value

    def __iter__(self) -> Any:
        return iter({**dict.fromkeys(self.below if isinstance(self.below, Frames) else self.below.names()), **self.own})

    def __len__(self) -> int:
        return len(list(iter(self)))


class Context(JinjaContext):
    """Names as a template meets them: its own assignments, the scope's variables, Jinja's globals."""

    parent: Frames  # type: ignore[assignment]

    def call(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """A call inside a template: unknown and undefined pass through it, and views and generators become lists."""
        for value in (function, *args, *kwargs.values()):
            if isinstance(value, Unknown):
                return value
        if isinstance(function, Undefined):
            raise UndefinedUsed(function)
        return listed(super().call(function, *args, **kwargs))

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        value = self.parent.resolve(key)
        if value is MISSING:
            found = self.environment.globals.get(key, missing)
            return Undefined(name=key, among=self.parent.variables) if found is missing else found
        return value

    def get_all(self) -> Any:
        return Frames(dict(self.vars), self.parent) if self.vars else self.parent

    def get_exported(self) -> dict[str, Any]:
        return {name: self.vars[name] for name in self.exported_vars}

    def derived(self, locals: dict[str, Any] | None = None) -> Context:
        context = Context(self.environment, Frames(locals or {}, self.get_all()), self.name, {})  # type: ignore[arg-type]
        context.eval_ctx = self.eval_ctx
        context.blocks.update((key, list(found)) for key, found in self.blocks.items())
        return context


class FileTemplate(jinja2.Template):
    """A template that keeps reading the scope lazily when another one includes or imports it."""

    def new_context(self, vars: Any = None, shared: bool = False, locals: Mapping[str, Any] | None = None) -> Context:
        below = vars if isinstance(vars, (Frames, Values)) else Frames(vars or {}, _EMPTY)
        own = {name: value for name, value in (locals or {}).items() if value is not missing}
        return Context(self.environment, Frames(own, below), self.name, self.blocks)  # type: ignore[arg-type]


class _Nothing(Values):
    def __init__(self) -> None:
        pass

    def get(self, name: str) -> Any:
        return MISSING

    def names(self) -> list[str]:
        return []


_EMPTY = _Nothing()


class ObjectCodeGenerator(NativeCodeGenerator):
    """Hands every expression's object out as it is; only the text around expressions is known when compiling."""

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> Any:
        if not isinstance(node, (nodes.TemplateData, nodes.Const)):
            raise nodes.Impossible()
        return super()._output_child_to_const(node, frame, finalize)

    def _output_const_repr(self, group: Iterable[Any]) -> str:
        parts = list(group)
        return repr(parts[0]) if len(parts) == 1 else repr(joined(parts))


class Environment(jinja2.Environment):
    """Jinja's environment with our reading of attributes, our filters and tests."""

    code_generator_class = ObjectCodeGenerator
    context_class = Context
    template_class = FileTemplate
    concat = staticmethod(joined)

    def getattr(self, obj: Any, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise TemplateError(f"access to '{attribute}' is not allowed in templates")
        return self._found(obj, attribute, attribute_of)

    def getitem(self, obj: Any, argument: Any) -> Any:
        return self._found(obj, argument, item)

    def _found(self, obj: Any, key: Any, access: Callable[[Any, Any], Any]) -> Any:
        try:
            value = access(obj, key)
        except NxtplayError as error:
            return Undefined(obj=obj, name=key, cause=error)
        return Undefined(obj=obj, name=key) if value is MISSING else value


class RawLexer(Lexer):
    """Takes backslashes in quoted texts inside `{{ }}` literally, as playbooks expect: '\\1' is a backslash and a one."""

    def wrap(self, stream: Iterable[tuple[int, str, str]], name: str | None = None, filename: str | None = None) -> Any:
        return super().wrap(_doubled(stream), name, filename)


def _doubled(stream: Iterable[tuple[int, str, str]]) -> Iterable[tuple[int, str, str]]:
    inside = False
    for line, token, value in stream:
        if token == "variable_begin":
            inside = True
        elif token == "variable_end":
            inside = False
        elif inside and token == "string" and "\\" in value:
            value = value.replace("\\", "\\\\")
        yield line, token, value


class PlaybookEnvironment(Environment):
    """For the texts of playbooks and variables files."""

    @property
    def lexer(self) -> Lexer:
        found = self.__dict__.get("_lexer")
        if found is None:
            found = self.__dict__["_lexer"] = RawLexer(self)
        return found


class FileEnvironment(Environment):
    """For whole files: everything becomes text."""

    concat = staticmethod(text_of)


_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()), type(_ for _ in ()), map, filter, zip)


def listed(value: Any) -> Any:
    several: Any = value
    return list(several) if isinstance(value, _VIEWS) else value


def guarded(name: str, function: Callable[..., Any], kind: str) -> Callable[..., Any]:
    """A filter or test through which unknown and undefined arguments pass unasked, and whose failures name it."""
    if getattr(function, "takes_undefined", False):
        return function
    skip = 1 if getattr(function, "jinja_pass_arg", None) is not None else 0

    def call(*args: Any, **kwargs: Any) -> Any:
        for value in args[skip:] if skip else args:
            if isinstance(value, (Unknown, Undefined)):
                return value
        for value in kwargs.values():
            if isinstance(value, (Unknown, Undefined)):
                return value
        try:
            return listed(function(*args, **kwargs))
        except (NxtplayError, UndefinedUsed, UnknownReached):
            raise
        except RecursionError:
            raise
        except Exception as error:
            raise TemplateError(f"the {kind} '{name}' failed: {_told(error)}") from None

    for mark in ("jinja_pass_arg", "jinja_async_variant"):
        if hasattr(function, mark):
            setattr(call, mark, getattr(function, mark))
    return call


class Named(dict):  # type: ignore[type-arg]
    """Filters or tests by name, made ready at first use."""

    def __init__(self, registry: Registry, kind: str) -> None:
        super().__init__()
        self._registry, self._kind = registry, kind

    def __missing__(self, name: str) -> Any:
        function = self._registry.find(name)
        if function is None:
            raise KeyError(name)
        self[name] = guarded(name, function, self._kind)
        return self[name]

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name: object) -> bool:
        return self.get(str(name)) is not None


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__


def make(kind: type[Environment] = Environment, **options: Any) -> Environment:
    """An environment with the behaviour of Ansible's (`trim_blocks`) unless `options` say otherwise."""
    environment = kind(
        undefined=Undefined, optimized=False, cache_size=0, autoescape=False,
        **{"trim_blocks": True, **options},
    )
    from nxtplay.template.globals import GLOBALS

    environment.globals = {**environment.globals, **GLOBALS}
    environment.filters = Named(filters, "filter")
    environment.tests = Named(tests, "test")
    return environment


class Engine:
    """Compiles texts and expressions to programs."""

    def __init__(self) -> None:
        self.environment = make(PlaybookEnvironment)
        self.conditions = make()

    def text(self, text: str) -> Program:
        """A template to a program; raises TemplateError for wrong syntax."""
        run = _compiled(self.environment, text, text)
        newlines = len(text) - len(text.rstrip("\n"))
        return (lambda values: with_newlines(joined(run(values)), newlines)) if newlines else (lambda values: joined(run(values)))

    def expression(self, text: str) -> Program:
        """A bare expression to a program; `{{ }}` in it is taken off, also inside its quoted texts."""
        run = _compiled(self.conditions, "{{ " + bare(text) + " }}", text)
        return lambda values: joined(run(values))


def _compiled(environment: Environment, source: str, shown: str) -> Callable[[Values], list[Any]]:
    try:
        code = environment.compile(source, None, "<template>")
    except jinja2.TemplateSyntaxError as error:
        raise syntax_error(source, error) from None
    return runner(environment, FileTemplate.from_code(environment, code, {}, None), shown)


def runner(environment: Environment, template: Any, text: str) -> Callable[[Values], list[Any]]:
    """A function that runs a compiled template and gives the pieces it brings forth."""
    root, blocks, name = template.root_render_func, template.blocks, template.name

    def run(values: Values) -> list[Any]:
        context = Context(environment, Frames({}, values), name, blocks)  # type: ignore[arg-type]
        try:
            pieces = list(root(context))
            for piece in pieces:
                if isinstance(piece, Undefined):
                    raise UndefinedUsed(piece)
        except UndefinedUsed as used:
            raise explained(used.undefined, text, values) from None
        except (UnknownReached, RecursionError):
            raise
        except NxtplayError as error:
            raise reraise(error) from None
        except Exception as error:
            raise TemplateError(Diagnostic(f"cannot render `{shortened(text)}`: {_told(error)}")) from None
        return pieces

    return run


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


_QUOTE_OR_BRACE = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\{\{|\}\}")


def bare(text: str) -> str:
    """An expression without the `{{ }}` that people put into conditions.

    >>> bare("{{ a }} == 'x{{ b }}'")
    "( a ) == ('x' ~ ( b ) ~ '')"
    """
    if "{{" not in text:
        return text
    whole = re.fullmatch(r"\s*\{\{(.*)\}\}\s*", text, re.DOTALL)
    if whole and "{{" not in whole.group(1):
        return whole.group(1)
    depth = 0
    out: list[str] = []
    position = 0
    for found in _QUOTE_OR_BRACE.finditer(text):
        out.append(text[position:found.start()])
        position = found.end()
        token = found.group()
        if token == "{{":
            depth += 1
            out.append("(")
        elif token == "}}" and depth:
            depth -= 1
            out.append(")")
        elif token[0] in "'\"" and "{{" in token:
            quote, inner = token[0], token[1:-1]
            pieces = re.split(r"\{\{(.*?)\}\}", inner)
            joined_text = " ~ ".join(
                f"({piece})" if odd % 2 else f"{quote}{piece}{quote}" for odd, piece in enumerate(pieces) if odd % 2 or piece
            )
            out.append(f"({joined_text} ~ '')")
        else:
            out.append(token)
    out.append(text[position:])
    return "".join(out)


def syntax_error(source: str, error: jinja2.TemplateSyntaxError) -> TemplateError:
    """Wrong syntax in a text, told with the text (`names` tells it with the column)."""
    message, hint = wrong_name(error)
    return TemplateError(Diagnostic(f"{message} in `{shortened(source)}`", hint=hint))


def wrong_name(error: jinja2.TemplateSyntaxError) -> tuple[str, str]:
    """Jinja's complaint and, where a filter or test does not exist, the nearest one that does."""
    message = error.message or "wrong template"
    wrong = re.match(r"No (filter|test) named '([^']+)'", message)
    if wrong is None:
        return message, ""
    kind, name = wrong.groups()
    return f"there is no {kind} named '{name}'", did_you_mean(name, (filters if kind == "filter" else tests).names())
