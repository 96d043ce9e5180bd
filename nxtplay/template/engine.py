"""Texts and expressions to programs: compiled once, run with the variables of a scope."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jinja2

from nxtplay.core.state import UnknownReached
from nxtplay.errors import Diagnostic, NxtplayError, TemplateError, did_you_mean
from nxtplay.template.context import Context, FileTemplate, Frames
from nxtplay.template.environment import Environment, PlaybookEnvironment, make
from nxtplay.template.lazy import joined, with_newlines
from nxtplay.template.messages import reraise
from nxtplay.template.registry import filters, tests
from nxtplay.template.render import Program, Values
from nxtplay.template.undefined import Undefined, UndefinedUsed, explained, shortened
from nxtplay.template.values import unwrapped


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
    except (SyntaxError, RecursionError, MemoryError) as error:  # Python's own rules and limits
        if isinstance(error, SyntaxError) and "nested" not in error.msg:
            raise TemplateError(Diagnostic(f"{error.msg} in `{shortened(shown)}`")) from None
        raise TemplateError(Diagnostic(f"`{shortened(shown)}` nests too deep", hint="take it apart into variables")) from None
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
            raise TemplateError(Diagnostic(f"cannot render `{shortened(text)}`: {str(error) or type(error).__name__}")) from None
        return pieces

    return run


_QUOTE_OR_BRACE = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\{\{|\}\}")


def bare(text: str) -> str:
    """An expression without the `{{ }}` that people put into conditions.

    >>> bare("{{ a }} == 'x{{ b }}'")
    "( a ) == ('x' ~ ( b ) ~ '')"
    >>> bare("a.{{ b }}.c")
    'a[( b )].c'
    """
    if "{{" not in text:
        return text
    inner = unwrapped(text)
    if inner is not None:
        return inner
    closing: list[str] = []
    out: list[str] = []
    position = 0
    for found in _QUOTE_OR_BRACE.finditer(text):
        out.append(text[position : found.start()])
        position = found.end()
        token = found.group()
        if token == "{{":
            subscript = out[-1].endswith(".")
            out[-1:] = [out[-1][:-1] + "[("] if subscript else [out[-1] + "("]
            closing.append(")]" if subscript else ")")
        elif token == "}}" and closing:
            out.append(closing.pop())
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
