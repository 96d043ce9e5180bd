"""The analysis behind `names`: a walk over Jinja's syntax tree, and the place of wrong syntax."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.parser import Parser

from nxtplay.errors import Diagnostic, Span, TemplateError, did_you_mean
from nxtplay.template import environment as jinja
from nxtplay.template.engine import bare
from nxtplay.template.globals import GLOBALS
from nxtplay.template.lookups import LOOKUPS, lookup
from nxtplay.template.names import Names
from nxtplay.template.registry import filters, short_name, tests

_TAGS = (
    "for endfor if elif else endif set endset macro endmacro block endblock include import from extends raw endraw filter endfilter "
    "call endcall with endwith"
).split()
_ALWAYS_THERE = frozenset(
    {
        *GLOBALS,
        "omit",
        "vars",
        "lookup",
        "query",
        "q",
        "range",
        "dict",
        "lipsum",
        "cycler",
        "joiner",
        "namespace",
        "loop",
        "self",
        "super",
        "caller",
        "varargs",
        "kwargs",
        "true",
        "false",
        "none",
        "True",
        "False",
        "None",
    }
)


def analysed(text: str, *, expression: bool) -> Names:
    """What `names` promises, by Jinja's parser."""
    environment = _environment()
    prefix = "{{ " if expression else ""
    source = prefix + (bare(text) if expression else text) + (" }}" if expression else "")
    shift = len(prefix) if "{{" not in text else 0
    walk = _Walk()
    try:
        parsed = _parsed(environment, source, text, shift)
        walk.visit(parsed, frozenset(), frozenset())
    except RecursionError:
        raise TemplateError(Diagnostic("the template nests too deep", _span(text, 0), "take it apart into variables")) from None
    _check(walk, text)
    places = {name: place for name in walk.used if (place := _place(text, name))}
    return Names(
        used=tuple((name, all(guards)) for name, guards in walk.used.items()),
        filters=tuple(dict.fromkeys(walk.filters)),
        tests=tuple(dict.fromkeys(walk.tests)),
        lookups=tuple(dict.fromkeys(walk.lookups)),
        places=places,
        kind=_kind(parsed.body[0].nodes[0]) if expression and isinstance(parsed.body[0], nodes.Output) else "",
    )


_KINDS = {
    "a number": "length count int float abs round sum".split(),
    "a list": "list sort unique map select selectattr reject rejectattr flatten union difference intersect split".split(),
    "text": "string join lower upper trim replace regex_replace basename dirname".split(),
}
_BY_FILTER = {name: kind for kind, names in _KINDS.items() for name in names}


def _kind(node: nodes.Node) -> str:
    """See Names; of `and` and `or` the first of their parts that is neither true nor false."""
    if isinstance(node, (nodes.And, nodes.Or)):
        return _kind(node.left) or _kind(node.right)
    if isinstance(node, nodes.Filter):
        return _BY_FILTER.get(short_name(node.name), "")
    if isinstance(node, nodes.Const):
        return "" if node.value is None or isinstance(node.value, bool) else "text" if isinstance(node.value, str) else "a number"
    if isinstance(node, (nodes.Sub, nodes.Mul, nodes.Div)):
        return "a number"
    return "a list" if isinstance(node, nodes.List) else "text" if isinstance(node, nodes.Concat) else ""


_made: list[jinja.Environment] = []


def _environment() -> jinja.Environment:
    if not _made:
        _made.append(jinja.make(jinja.PlaybookEnvironment))
    return _made[0]


def _parsed(environment: jinja.Environment, source: str, text: str, shift: int) -> nodes.Template:
    parser: Parser | None = None
    taken = 0

    def counted(stream: Iterator[Any]) -> Iterator[Any]:
        nonlocal taken
        for token in stream:
            taken += 1
            yield token

    try:
        parser = Parser(environment, source)
        stream = parser.stream
        stream._iter = counted(stream._iter)
        return parser.parse()
    except jinja2.TemplateSyntaxError as error:
        message = error.message or "wrong template"
        unexpected = re.match(r"unexpected char .* at (\d+)$", message)
        offset = int(unexpected.group(1)) if unexpected else _offset_of_token(environment, source, taken)
        message = re.sub(r" at \d+$", "", message)
        offset = min(max(offset - shift, 0), len(text))
        raise TemplateError(Diagnostic(_in_plain_words(message, shift > 0), _span(text, offset), _hint(message))) from None


def _in_plain_words(message: str, bare: bool) -> str:
    if message in ('unexpected char "\'"', "unexpected char '\"'"):
        return "a quote that is never closed"
    message = message.replace("end of print statement", "'}}'").replace("end of statement block", "'%}'").replace("'''", "'")
    message = message.replace("Jinja was looking for the following tags: ", "expected ").replace("''", "'").rstrip(".")
    if bare:  # the reader wrote no braces
        message = re.sub(r"^unexpected '}+', expected (.*)$", r"the expression ends where \1 was expected", message)
        message = re.sub(r"^unexpected '}+'$", "the expression ends too early", message)
        message = message.replace("expected token '}}', got", "expected an operator or the end before")
    return message[:1].lower() + message[1:]


def _hint(message: str) -> str:
    unknown = re.match(r"Encountered unknown tag '(\w+)'", message)
    if unknown:
        return did_you_mean(unknown.group(1), _TAGS)
    return ""


def _offset_of_token(environment: jinja.Environment, source: str, taken: int) -> int:
    """Where the token stands that the parser was looking at after taking so many."""
    ignored = {
        "whitespace",
        "comment_begin",
        "comment",
        "comment_end",
        "raw_begin",
        "raw_end",
        "linecomment",
        "linecomment_begin",
        "linecomment_end",
    }
    position, count = 0, -1
    try:
        for _, token, value in environment.lexer.tokeniter(source, None):
            found = source.find(value, position)
            begin = found if found >= 0 else position
            if token not in ignored and not (token == "data" and not value):
                count += 1
                if count == taken:
                    return begin
            position = begin + len(value)
    except jinja2.TemplateSyntaxError:
        pass
    return len(source.rstrip())


def _span(text: str, offset: int) -> Span:
    before = text[:offset]
    line = before.count("\n") + 1
    return Span("", line, offset - (before.rfind("\n") + 1) + 1)


def _place(text: str, name: str) -> tuple[int, int] | None:
    found = re.search(rf"(?<![\w.'\"]){re.escape(name)}(?!\w)", text)
    if found is None:
        return None
    span = _span(text, found.start())
    return span.line, span.column


class _Walk:
    """Goes through a syntax tree with the names bound by the template itself and the names known to be defined."""

    def __init__(self) -> None:
        self.used: dict[str, list[bool]] = {}
        self.filters: list[str] = []
        self.tests: list[str] = []
        self.lookups: list[str] = []

    def visit(self, node: nodes.Node, bound: frozenset[str], safe: frozenset[str]) -> None:
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is not None:
            method(node, bound, safe)
        elif isinstance(node, (nodes.Template, nodes.Block, nodes.Scope)):
            self._body(node.body, bound, safe)
        else:
            for child in node.iter_child_nodes():
                self.visit(child, bound, safe)

    def _body(self, body: list[nodes.Node], bound: frozenset[str], safe: frozenset[str]) -> None:
        for child in body:
            self.visit(child, bound, safe)
            bound |= _bound_by(child)

    def _name(self, node: nodes.Name, bound: frozenset[str], safe: frozenset[str]) -> None:
        if node.ctx == "load" and node.name not in bound and node.name not in _ALWAYS_THERE:
            self.used.setdefault(node.name, []).append(node.name in safe)

    def _filter(self, node: nodes.Filter, bound: frozenset[str], safe: frozenset[str]) -> None:
        self.filters.append(node.name)
        name = short_name(node.name)
        inner = safe | _loaded(node.node) if name in ("default", "d") else safe
        chosen = safe.union(*(_roots(each) for each in node.args)) if name == "ternary" else safe  # what is not chosen may be undefined
        for child in node.iter_child_nodes():
            self.visit(child, bound, inner if child is node.node else chosen)

    def _test(self, node: nodes.Test, bound: frozenset[str], safe: frozenset[str]) -> None:
        self.tests.append(node.name)
        inner = safe | _roots(node.node) if node.name in ("defined", "undefined") else safe
        for child in node.iter_child_nodes():
            self.visit(child, bound, inner if child is node.node else safe)

    def _and(self, node: nodes.And, bound: frozenset[str], safe: frozenset[str]) -> None:
        self.visit(node.left, bound, safe)
        self.visit(node.right, bound, safe | _known_when(node.left, True))

    def _or(self, node: nodes.Or, bound: frozenset[str], safe: frozenset[str]) -> None:
        self.visit(node.left, bound, safe)
        self.visit(node.right, bound, safe | _known_when(node.left, False))

    def _condexpr(self, node: nodes.CondExpr, bound: frozenset[str], safe: frozenset[str]) -> None:
        self.visit(node.test, bound, safe)
        self.visit(node.expr1, bound, safe | _known_when(node.test, True))
        if node.expr2 is not None:
            self.visit(node.expr2, bound, safe | _known_when(node.test, False))

    def _if(self, node: nodes.If, bound: frozenset[str], safe: frozenset[str]) -> None:
        self.visit(node.test, bound, safe)
        self._body(node.body, bound, safe | _known_when(node.test, True))
        otherwise = safe | _known_when(node.test, False)
        for branch in node.elif_:
            self.visit(branch, bound, otherwise)
        self._body(node.else_, bound, otherwise)

    def _for(self, node: nodes.For, bound: frozenset[str], safe: frozenset[str]) -> None:
        self.visit(node.iter, bound, safe)
        inner = bound | _targets(node.target)
        if node.test is not None:
            self.visit(node.test, inner, safe)
        self._body(node.body, inner, safe)
        self._body(node.else_, bound, safe)

    def _macro(self, node: nodes.Macro, bound: frozenset[str], safe: frozenset[str]) -> None:
        for value in node.defaults:
            self.visit(value, bound, safe)
        self._body(node.body, bound | {node.name} | {arg.name for arg in node.args}, safe)

    def _callblock(self, node: nodes.CallBlock, bound: frozenset[str], safe: frozenset[str]) -> None:
        self.visit(node.call, bound, safe)
        self._body(node.body, bound | {arg.name for arg in node.args}, safe)

    def _with(self, node: nodes.With, bound: frozenset[str], safe: frozenset[str]) -> None:
        for value in node.values:
            self.visit(value, bound, safe)
        self._body(node.body, bound.union(*(_targets(target) for target in node.targets)), safe)

    def _call(self, node: nodes.Call, bound: frozenset[str], safe: frozenset[str]) -> None:
        if isinstance(node.node, nodes.Name) and node.node.name in ("lookup", "query", "q") and node.args:
            first = node.args[0]
            if isinstance(first, nodes.Const) and isinstance(first.value, str):
                self.lookups.append(first.value)
            for constant in jinja.embedded(node):
                self.visit(_inside(constant), frozenset(), safe)
        for child in node.iter_child_nodes():
            self.visit(child, bound, safe)


def _targets(node: nodes.Node) -> frozenset[str]:
    found = {node.name} if isinstance(node, nodes.Name) else set()
    return frozenset(found | {name.name for name in node.find_all(nodes.Name)})


def _bound_by(node: nodes.Node) -> frozenset[str]:
    """The names that a statement leaves defined behind it."""
    if isinstance(node, (nodes.Assign, nodes.AssignBlock)):
        return _targets(node.target)
    if isinstance(node, nodes.Macro):
        return frozenset({node.name})
    if isinstance(node, nodes.Import):
        return frozenset({node.target})
    if isinstance(node, nodes.FromImport):
        return frozenset(name if isinstance(name, str) else name[1] for name in node.names)
    if isinstance(node, nodes.If):  # `{% if %}{% set %}`: perhaps defined; not ours to complain
        return frozenset().union(*(_bound_by(child) for child in [*node.body, *node.else_, *(c for e in node.elif_ for c in e.body)]))
    return frozenset()


def _roots(node: nodes.Node | None) -> frozenset[str]:
    """The name an access chain starts from."""
    while isinstance(node, (nodes.Getattr, nodes.Getitem, nodes.Filter)):
        node = node.node
    if isinstance(node, nodes.Name):
        return frozenset({node.name})
    return frozenset(name.name for name in node.find_all(nodes.Name)) if node is not None else frozenset()


def _loaded(node: nodes.Node | None) -> frozenset[str]:
    """Every name in an expression."""
    if node is None:
        return frozenset()
    calls = [call for call in (node, *node.find_all(nodes.Call)) if isinstance(call, nodes.Call)]
    embedded = [constant for call in calls for constant in jinja.embedded(call)]
    found = frozenset(name.name for name in (node, *node.find_all(nodes.Name)) if isinstance(name, nodes.Name))
    return found.union(*(_loaded(_inside(constant)) for constant in embedded))


def _inside(constant: nodes.Const) -> nodes.Template:
    """The template in a text that a lookup is given; wrong syntax is told where it is rendered."""
    try:
        return _environment().parse(constant.value)
    except jinja2.TemplateSyntaxError:
        return nodes.Template([])


def _known_when(test: nodes.Node, outcome: bool) -> frozenset[str]:
    """The names that are surely defined, or provided for, where the test came out so."""
    if isinstance(test, nodes.Not):
        return _known_when(test.node, not outcome)
    if isinstance(test, nodes.Test) and test.name in ("defined", "undefined"):
        return _roots(test.node) if (test.name == "defined") is outcome else frozenset()
    if isinstance(test, nodes.And) and outcome:
        return _known_when(test.left, True) | _known_when(test.right, True)
    if isinstance(test, nodes.Or) and not outcome:
        return _known_when(test.left, False) | _known_when(test.right, False)
    if isinstance(test, nodes.Compare) and isinstance(test.expr, nodes.Const) and isinstance(test.expr.value, str):
        operand = test.ops[0]  # 'name' in vars
        if isinstance(operand.expr, nodes.Name) and operand.expr.name == "vars" and (operand.op == "in") is outcome:
            return frozenset({test.expr.value})
    return frozenset()


def _check(walk: _Walk, text: str) -> None:
    for kind, used, find, names in (
        ("filter", walk.filters, filters.find, filters.names),
        ("test", walk.tests, tests.find, tests.names),
        ("lookup", walk.lookups, lookup, LOOKUPS.keys),
    ):
        for name in used:
            if find(name) is None:
                known = sorted(names())
                place = _place(text, name) or (1, 1)
                where = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)
                span = _span(text, where.start()) if where else Span("", *place)
                hint = did_you_mean(short_name(name), known) or f"`nxtplay doc {kind}s` lists them"
                span = span._replace(end_column=span.column + len(name))
                raise TemplateError(Diagnostic(f"there is no {kind} named '{name}'", span, hint))
