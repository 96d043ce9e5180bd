"""Whole template files, as the module `template` renders them: to text, with its options, includes and imports."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

import jinja2

from nxtplay.core.state import UnknownReached
from nxtplay.errors import Diagnostic, NxtplayError, Span, TemplateError
from nxtplay.template.context import FileTemplate, Frames
from nxtplay.template.engine import wrong_name
from nxtplay.template.environment import FileEnvironment, make
from nxtplay.template.lazy import finish, text_of, with_newlines
from nxtplay.template.messages import located, reraise
from nxtplay.template.undefined import Undefined, UndefinedUsed, explained

if TYPE_CHECKING:
    from nxtplay.template.render import Templates, Values

_HEADER = re.compile(r"#jinja2:(.*)")


@dataclass(frozen=True)
class TemplateOptions:
    """How a template file is read; names and defaults are those of the module `template`."""

    newline_sequence: str = "\n"
    trim_blocks: bool = True
    lstrip_blocks: bool = False
    block_start_string: str = "{%"
    block_end_string: str = "%}"
    variable_start_string: str = "{{"
    variable_end_string: str = "}}"
    comment_start_string: str = "{#"
    comment_end_string: str = "#}"
    line_statement_prefix: str | None = None
    line_comment_prefix: str | None = None


class _Folders(jinja2.BaseLoader):
    """Finds included files: beside the file that includes them, then in the search path."""

    def __init__(self, folders: Sequence[str], options: TemplateOptions) -> None:
        self._folders, self._options = folders, options

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Any]:
        for folder in self._folders:
            path = os.path.normpath(os.path.join(folder, template))
            if os.path.isfile(path):
                with open(path, encoding="utf-8", errors="surrogateescape") as stream:
                    return stream.read(), path, None
        raise jinja2.TemplateNotFound(template, f"there is no template '{template}' to include in {', '.join(self._folders)}")


def render_text(templates: Templates, text: str, values: Values, *, options: TemplateOptions, file: str, search: Sequence[str] = ()) -> str:
    """The text of a template file, rendered; see `render_value`."""
    value = render_value(templates, text, values, options=options, file=file, search=search)
    return value if isinstance(value, str) else "" if value is None else _text(value)


def render_value(
    templates: Templates, text: str, values: Values, *, options: TemplateOptions, file: str, search: Sequence[str] = ()
) -> Any:
    """What a template file gives: text, the value of the one expression it consists of, None when it consists of nothing.

    `search` are the folders where `{% include %}`, `{% import %}` and `{% extends %}` look. Raises TemplateError placed in the file,
    and UnknownReached where the text depends on what only a run brings.
    """
    whole = text
    text, options = header_options(text, options, file)
    above = 0 if text is whole else 1  # the header is a line of the file, too
    environment = _environment(templates, options, tuple(dict.fromkeys([os.path.dirname(file), *search])))
    newline = options.newline_sequence.replace("\\n", "\n").replace("\\r", "\r")
    marks = (options.block_start_string, options.variable_start_string, options.comment_start_string,
             options.line_statement_prefix, options.line_comment_prefix)  # fmt: skip
    if not any(mark and mark in text for mark in marks):
        return text
    compiled: FileTemplate | None = None
    pieces: Any = None
    try:
        compiled = templates.file_program(environment, text, options, file)
        pieces = compiled.root_render_func(compiled.new_context(Frames({}, values)))
        held = [(piece, _text(piece)) for piece in pieces]
        if not held:
            return None
        if len(held) == 1 and not isinstance(held[0][0], str):
            return finish(held[0][0])
        out = "".join([written for _, written in held])
        out = with_newlines(out, len(text) - len(text.rstrip("\n")))  # Jinja drops the last one
    except jinja2.TemplateSyntaxError as error:
        message, hint = wrong_name(error)
        raise TemplateError(Diagnostic(message, Span(error.filename or file, error.lineno + above), hint)) from None
    except UndefinedUsed as used:
        place = _place(used, environment, file, compiled, pieces, above)
        raise located(explained(used.undefined, text, values), place, "used here") from None
    except (UnknownReached, RecursionError):
        raise
    except NxtplayError as error:
        raise located(reraise(error), _place(error, environment, file, compiled, pieces, above), "used here") from None
    except jinja2.TemplateNotFound as error:
        raise TemplateError(Diagnostic(str(error.message), _place(error, environment, file, compiled, pieces, above))) from None
    except Exception as error:
        place = _place(error, environment, file, compiled, pieces, above)
        raise TemplateError(Diagnostic(str(error) or type(error).__name__, place)) from None
    return str(out) if newline == "\n" else str(out).replace("\n", newline)


def _text(piece: Any) -> str:
    if isinstance(piece, Undefined):
        raise UndefinedUsed(piece)
    return str(text_of([piece]))


def header_options(text: str, options: TemplateOptions, file: str) -> tuple[str, TemplateOptions]:
    """The text without its `#jinja2: name:value, ...` line, and the options that line gives."""
    first, _, rest = text.partition("\n")
    found = _HEADER.match(first)
    if found is None:
        return text, options
    import ast

    given: dict[str, Any] = {}
    for pair in found.group(1).split(","):
        name, _, value = pair.partition(":")
        name = name.strip()
        if name not in asdict(options):
            known = ", ".join(asdict(options))
            raise TemplateError(Diagnostic(f"'{name}' in the #jinja2 line is no option", Span(file, 1, 1), f"options: {known}"))
        try:
            given[name] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            raise TemplateError(
                Diagnostic(
                    f"the value of '{name}' in the #jinja2 line cannot be read", Span(file, 1, 1), "write True, False or a text in quotes"
                )
            ) from None
    return rest, replace(options, **given)


def _environment(templates: Templates, options: TemplateOptions, folders: tuple[str, ...]) -> FileEnvironment:
    key = (options, folders)
    known: dict[Any, FileEnvironment] = templates.file_environments
    if key not in known:
        settings = {name: value for name, value in asdict(options).items() if name != "newline_sequence"}
        made = make(FileEnvironment, **settings)
        made.loader = _Folders(folders, options)
        made.cache = {}
        assert isinstance(made, FileEnvironment)
        known[key] = made
    return known[key]


def _place(
    error: BaseException, environment: jinja2.Environment, file: str, compiled: FileTemplate | None, pieces: Any, above: int
) -> Span:
    """The innermost line of template code that the error came through, else the line that brought forth the last piece."""
    at = Span(file)
    known: Mapping[str, Any] = {str(t.filename): t for t in (environment.cache or {}).values()}
    waiting = getattr(pieces, "gi_frame", None)
    while waiting is not None:  # where the template stands, and in it the one that it includes
        name = waiting.f_code.co_filename
        template = compiled if compiled is not None and name == compiled.filename else known.get(name)
        if template is not None:
            at = Span(name, template.get_corresponding_lineno(waiting.f_lineno) + (above if template is compiled else 0))
        inner = getattr(pieces, "gi_yieldfrom", None)
        pieces = inner if inner is not None else waiting.f_locals.get("gen")
        waiting = getattr(pieces, "gi_frame", None)
    for frame, line in walk_tb(error.__traceback__):
        name = frame.f_code.co_filename
        template = compiled if compiled is not None and name == compiled.filename else known.get(name)
        if template is not None:
            at = Span(name, template.get_corresponding_lineno(line) + (above if template is compiled else 0))
    return at
