"""Arguments in one line: `copy: src=a dest="b c"` and `shell: make install chdir=/src`."""

from __future__ import annotations

import re

from nxtplay.errors import Span
from nxtplay.playbook.model import YamlMap

# what may come among the words of a command and still belongs to the module
_COMMAND_ARGS = "creates|removes|chdir|executable|stdin|stdin_add_newline|strip_empty_ends|expand_argument_vars"
_HAS_COMMAND_ARG = re.compile(rf"(?:^|\s)(?:{_COMMAND_ARGS})=")
_COMMAND_ARG = re.compile(rf"(?:{_COMMAND_ARGS})\Z")

# a word: quotes, templates and escapes may hold blanks, and templates in quotes the same quotes
_TEMPLATE = r"\{\{.*?\}\}|\{%.*?%\}|\{\#.*?\#\}"
_WORD = re.compile(rf"""(?:{_TEMPLATE}|"(?:{_TEMPLATE}|\\.|[^"\\])*+"|'(?:{_TEMPLATE}|\\.|[^'\\])*+'|\\.|\S)+""", re.DOTALL)
_PAIR = re.compile(r"((?:[A-Za-z_]|\{\{.*?\}\})(?:\w|\{\{.*?\}\})*)=(.*)\Z", re.DOTALL)  # set_fact takes templates in names
_ESCAPE = re.compile(r"""\\([\\'"abfnrtv])""")
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def unquote(text: str) -> str:
    """The text without the pair of quotes around the whole of it."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return text


def split_pairs(text: str, span: Span) -> tuple[YamlMap, str, Span | None]:
    """`k=v` words as a mapping (values stay text), the words that are none joined by blanks, and the place of the first of those."""
    args = YamlMap(span=span)
    rest: list[str] = []
    first: Span | None = None
    for match in _WORD.finditer(text):
        place = _within(span, text, match.start(), match.end())
        pair = _PAIR.match(match[0])
        if pair:
            args[pair[1]] = _ESCAPE.sub(lambda m: _ESCAPED.get(m[1], m[1]), unquote(pair[2]))
            args.keys_at[pair[1]] = _within(span, text, match.start(), match.start() + len(pair[1]))
            args.values_at[pair[1]] = _within(span, text, match.start() + len(pair[1]) + 1, match.end())
        else:
            rest.append(match[0])
            first = first or place
    return args, " ".join(rest), first


def split_command(text: str, span: Span) -> tuple[YamlMap, str]:
    """The arguments among the words of a command line (creates=, chdir=, ...) and the command without them, otherwise as written."""
    args = YamlMap(span=span)
    if not _HAS_COMMAND_ARG.search(text):
        return args, text
    kept: list[str] = []
    end = 0
    for match in _WORD.finditer(text):
        pair = _PAIR.match(match[0])
        if not pair or not _COMMAND_ARG.match(pair[1]):
            continue
        kept.append(text[end : match.start()])
        end = match.end()
        args[pair[1]] = unquote(pair[2])
        args.keys_at[pair[1]] = _within(span, text, match.start(), match.start() + len(pair[1]))
        args.values_at[pair[1]] = _within(span, text, match.start() + len(pair[1]) + 1, match.end())
    kept.append(text[end:])
    return args, "".join(kept).strip()


def _within(span: Span, text: str, start: int, end: int) -> Span:
    """The place of a part of a scalar; the scalar's own place when its text is not written out in one line as it is."""
    if span.end_column - span.column == len(text):
        return span._replace(column=span.column + start, end_column=span.column + end)
    return span
