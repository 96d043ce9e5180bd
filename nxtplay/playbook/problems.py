"""Why a text is not YAML, in the words of the one who wrote it: what stands there and what to type instead."""

from __future__ import annotations

import re
from typing import Any

from nxtplay.errors import Diagnostic, Span

_JINJA_VALUE = re.compile(r"""^(?P<head>\s*(?:-\s+)*(?:[^\s'"#{][^'"{]*?:\s+|-\s+))(?P<value>\{[{%].*?)\s*$""")
_AFTER_QUOTE = re.compile(
    r"""^\s*(?:-\s+)*(?:[^\s'"#][^'"]*?:\s+)?(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')\s*(?P<rest>[^\s#,\]}:].*)$"""
)
_COLON_INSIDE = re.compile(r"^(?P<head>\s*(?:-\s+)*[^\s'\"#:][^:]*:\s+)(?P<value>\S.*?:(?:\s.*|$))$")
_NO_SPACE = re.compile(r"^\s*(?:-\s+)*[A-Za-z_][\w.]*:(?=[^\s/])")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def line_at(text: str, number: int) -> str:
    """Line `number` (from 1) without its end; empty when there is none."""
    lines = text.split("\n")
    return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""


def quoted_jinja(line: str) -> str:
    """What to type instead of a line whose value starts with an unquoted `{{`."""
    found = _JINJA_VALUE.match(line)
    if not found:
        return 'put the whole value in quotes: key: "{{ name }}"'
    return f"write: {found['head'].strip()} {_quoted(found['value'])}"


def _quoted(value: str) -> str:
    if '"' not in value and "\\" not in value:
        return f'"{value}"'
    return "'" + value.replace("'", "''") + "'"


def explain(error: Any, text: str, file: str) -> Diagnostic:
    """The diagnostic for a yaml.YAMLError: known mistakes by their remedy, the rest by the parser's problem."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return _forbidden_character(error, text, file)
    opened = getattr(error, "context_mark", None) or mark
    problem = str(getattr(error, "problem", "") or "not YAML")
    lines = text.split("\n")
    near = [n for n in dict.fromkeys((mark.line, mark.line - 1, opened.line)) if 0 <= n < len(lines)]
    for number in near:
        found = _mistake(lines[number].rstrip("\r"), number, file)
        if found:
            return found
    return _by_problem(problem, Span(file, mark.line + 1, mark.column + 1), Span(file, opened.line + 1, opened.column + 1), lines)


def _mistake(line: str, number: int, file: str) -> Diagnostic | None:
    """The mistakes that can be told from the line alone, commonest first."""
    indent = line[: len(line) - len(line.lstrip(" \t-"))]
    if "\t" in indent:
        span = Span(file, number + 1, indent.index("\t") + 1)
        return Diagnostic("a tab in the indentation", span, "YAML indents with spaces alone: replace each tab by spaces")
    found = _JINJA_VALUE.match(line)
    if found:
        span = Span(file, number + 1, found.start("value") + 1, found.end("value") + 1)
        return Diagnostic(f"a value that starts with {found['value'][:2]} must be in quotes", span, quoted_jinja(line))
    return None


def _by_problem(problem: str, span: Span, opened: Span, lines: list[str]) -> Diagnostic:
    line = lines[span.line - 1].rstrip("\r") if span.line <= len(lines) else ""
    if "cannot start any token" in problem:
        return _bad_start(line, span)
    if "unexpected end of stream" in problem or "document indicator" in problem:
        return Diagnostic("the quote that opens here is never closed", opened, "close it at the end of the value")
    if "escape" in problem or "hexdecimal" in problem or "hexadecimal" in problem:
        hint = "write the backslash twice, or use single quotes, in which it is a plain character"
        return Diagnostic("an unknown escape after a backslash in double quotes", span, hint)
    if "mapping values are not allowed" in problem:
        return _colon(line, span, lines)
    if "expected ',' or" in problem or "node content" in problem:
        hint = f"the reader got stuck at line {span.line}"
        return Diagnostic("the bracket that opens here is not closed, or a comma is missing", opened, hint)
    if "could not find expected ':'" in problem or "simple key" in problem:
        return _no_colon(span, opened, lines)
    after = _AFTER_QUOTE.match(line)
    if after and ("expected key" in problem or "expected <block end>" in problem or "'-' indicator" in problem):
        where = span._replace(column=after.start("rest") + 1, end_column=after.end("rest") + 1)
        inner = after["quoted"][1:-1]
        return Diagnostic("text after the closing quote", where, f"put the whole value in quotes: {_quoted(inner + ' ' + after['rest'])}")
    if "expected key" in problem or "'-' indicator" in problem or "<block end>" in problem:
        return _indentation(span, opened, lines)
    return Diagnostic(f"not YAML: {problem}", span)


def _bad_start(line: str, span: Span) -> Diagnostic:
    char = line[span.column - 1 : span.column]
    rest = line[span.column - 1 :].strip()
    if char == "\t":
        return Diagnostic("a tab where spaces are expected", span, "replace the tab by spaces")
    hint = f"put it in quotes: {_quoted(rest)}" if rest else "put it in quotes"
    return Diagnostic(f"a plain value cannot start with {char!r}", span, hint)


def _colon(line: str, span: Span, lines: list[str]) -> Diagnostic:
    found = _COLON_INSIDE.match(line)
    if found and found.end("head") < span.column:
        where = span._replace(column=found.start("value") + 1, end_column=found.end("value") + 1)
        return Diagnostic("': ' inside a plain value reads as another key", where, f"put the value in quotes: {_quoted(found['value'])}")
    above = next((n for n in range(span.line - 2, -1, -1) if lines[n].strip() and not lines[n].lstrip().startswith("#")), None)
    start = len(line) - len(line.lstrip(" "))
    where = span._replace(column=start + 1)
    if above is None:
        return Diagnostic("a key is not expected here", where, "check the indentation")
    hint = f"align it with the keys it belongs to, or end line {above + 1} with a colon if it is to hold this key"
    return Diagnostic("a key is not expected here: the line above already has a value", where, hint)


def _no_colon(span: Span, opened: Span, lines: list[str]) -> Diagnostic:
    line = lines[opened.line - 1] if opened.line <= len(lines) else ""
    glued = _NO_SPACE.match(line)
    if glued:
        where = opened._replace(column=glued.end())
        return Diagnostic("a colon without a space after it does not end a key", where, f"write: {line.strip().replace(':', ': ', 1)}")
    return Diagnostic("a colon is missing after this key", opened, f"the reader got stuck at line {span.line}")


def _indentation(span: Span, opened: Span, lines: list[str]) -> Diagnostic:
    line = lines[span.line - 1] if span.line <= len(lines) else ""
    glued = _NO_SPACE.match(line)
    if glued:
        where = span._replace(column=glued.end())
        return Diagnostic("a colon without a space after it does not end a key", where, f"write: {line.strip().replace(':', ': ', 1)}")
    what = "an item ('-')" if line.lstrip().startswith("-") else "a key"
    notes = (("the structure it breaks starts here", opened),)
    if span.column != opened.column:
        wanted = f"by {opened.column - 1} spaces" if opened.column > 1 else "not at all"
        hint = f"indent it {wanted} to continue what starts at line {opened.line}"
        return Diagnostic(f"{what} is not expected at this indentation", span, hint, notes=notes)
    hint = "a list and the keys of a mapping cannot stand at the same level"
    return Diagnostic(f"{what} is not expected here", span, hint, notes=notes)


def _forbidden_character(error: Any, text: str, file: str) -> Diagnostic:
    found = _FORBIDDEN.search(text)
    if not found:
        return Diagnostic(f"not YAML: {getattr(error, 'reason', None) or error}".split("\n")[0], Span(file))
    at = found.start()
    span = Span(file, text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1)
    hint = "remove it, or write it escaped in double quotes"
    return Diagnostic(f"control character U+{ord(found[0]):04X} is not allowed in YAML", span, hint)
