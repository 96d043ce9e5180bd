"""Jinja, set up to give objects instead of text, with our reading of attributes, our filters and tests.

With `context` and `undefined` the only place that knows Jinja's inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.lexer import Lexer
from jinja2.nativetypes import NativeCodeGenerator

from nxtplay.core.state import Unknown, UnknownReached
from nxtplay.errors import NxtplayError, TemplateError
from nxtplay.template.context import Context, FileTemplate, listed
from nxtplay.template.lazy import joined, text_of
from nxtplay.template.registry import Registry, filters, tests
from nxtplay.template.undefined import Undefined, UndefinedUsed
from nxtplay.template.values import MISSING, Embedded, is_template, item
from nxtplay.template.values import attribute as attribute_of

LOOKING = frozenset(("lookup", "query", "q"))


def embedded(call: nodes.Call) -> Iterator[nodes.Const]:
    """The texts with templates in them among the arguments of a call of `lookup` or `query`, within lists and mappings too."""
    if isinstance(call.node, nodes.Name) and call.node.name in LOOKING:
        inside: list[nodes.Node] = list(call.args[1:])
        while inside:
            node = inside.pop()
            if isinstance(node, (nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Add)):
                inside += node.iter_child_nodes()
            elif isinstance(node, nodes.Const) and isinstance(node.value, str) and is_template(node.value):
                yield node


class ObjectCodeGenerator(NativeCodeGenerator):
    """Hands every expression's object out as it is; only the text around expressions is known when compiling."""

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> Any:
        if not isinstance(node, (nodes.TemplateData, nodes.Const)):
            raise nodes.Impossible()
        return super()._output_child_to_const(node, frame, finalize)

    def visit_Const(self, node: nodes.Const, frame: Frame) -> None:
        if isinstance(node.value, Embedded):
            self.write(f"environment.embedded({str(node.value)!r})")
        else:
            super().visit_Const(node, frame)

    def _output_const_repr(self, group: Iterable[Any]) -> str:
        parts = list(group)
        return repr(parts[0]) if len(parts) == 1 else repr(joined(parts))


class Environment(jinja2.Environment):
    """Jinja's environment with our reading of attributes, our filters and tests."""

    code_generator_class = ObjectCodeGenerator
    context_class = Context
    template_class = FileTemplate
    concat = staticmethod(joined)
    embedded = Embedded

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        for call in source.find_all(nodes.Call):
            for constant in embedded(call):
                constant.value = Embedded(constant.value)
        return super()._generate(source, *args, **kwargs)

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


def guarded(name: str, function: Callable[..., Any], kind: str) -> Callable[..., Any]:
    """A filter or test through which unknown and undefined arguments pass unasked, and whose failures name it."""
    if getattr(function, "takes_undefined", False):
        return function
    skip = 1 if getattr(function, "jinja_pass_arg", None) is not None else 0
    chooses = getattr(function, "chooses", False)

    def call(*args: Any, **kwargs: Any) -> Any:
        for value in args[:1] if chooses else args[skip:] if skip else args:
            if isinstance(value, (Unknown, Undefined)):
                return value
        for value in () if chooses else kwargs.values():
            if isinstance(value, (Unknown, Undefined)):
                return value
        try:
            return listed(function(*args, **kwargs))
        except (NxtplayError, UndefinedUsed, UnknownReached):
            raise
        except RecursionError:
            raise
        except Exception as error:
            raise TemplateError(f"the {kind} '{name}' failed: {str(error) or type(error).__name__}") from None

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


def make(kind: type[Environment] = Environment, **options: Any) -> Environment:
    """An environment with the behaviour of Ansible's (`trim_blocks`) unless `options` say otherwise."""
    environment = kind(
        undefined=Undefined,
        optimized=False,
        cache_size=0,
        autoescape=False,
        **{"trim_blocks": True, **options},
    )
    from nxtplay.template.globals import GLOBALS

    environment.globals = {**environment.globals, **GLOBALS}
    environment.filters = Named(filters, "filter")
    environment.tests = Named(tests, "test")
    return environment
