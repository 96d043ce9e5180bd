"""A Compose file's text as plain data, with the place of everything in it."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import Any, Iterable

from nxtplay.core.host import Failed

Path = tuple[Any, ...]


class ComposeErrors(Failed):
    """Everything wrong with Compose files, one finding a line."""

    def __init__(self, findings: Iterable[str]) -> None:
        self.findings = list(findings)
        more = f"{len(self.findings)} errors in the Compose files:\n" if len(self.findings) > 1 else ""
        super().__init__(more + "\n".join(self.findings))


class Reset:
    """`!reset`: what the files before say here is dropped."""


@dataclass(frozen=True)
class Override:
    """`!override`: replaces what the files before say instead of joining it."""

    value: Any


@dataclass
class Document:
    """One file. `places` leads from a path into the data to (line, column), both from 1."""

    file: str
    data: Any
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def place(self, at: Path) -> str:
        """FILE:LINE:COLUMN of the path, or of the nearest thing above it."""
        for length in range(len(at), -1, -1):
            if at[:length] in self.places:
                line, column = self.places[at[:length]]
                return f"{self.file}:{line}:{column}"
        return self.file

    def wrong(self, at: Path, message: str, hint: str = "") -> None:
        self.findings.append(f"{self.place(at)}: {message}" + (f" ({hint})" if hint else ""))


def did_you_mean(word: Any, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else ""


def dotted(at: Path) -> str:
    return ".".join(str(part) for part in at)


_IMPLICIT = (
    ("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF"),
    ("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)$"), "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        re.compile(r"^(?:[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"),
        "-+0123456789.",
    ),
    ("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:merge", re.compile(r"^<<$"), "<"),
)


def _loader() -> Any:
    """PyYAML's loader with the scalars of the Compose format: `22:22` and `yes` are text, 0440 is octal."""
    import yaml

    resolvers: dict[str, list[Any]] = {}
    for tag, regex, first in _IMPLICIT:
        for sign in first:
            resolvers.setdefault(sign, []).append((tag, regex))
    return type("ComposeLoader", (yaml.SafeLoader,), {"yaml_implicit_resolvers": resolvers})


def parse(text: str, file: str) -> Document:
    """Read YAML. Raises ComposeErrors for text that is none."""
    import yaml

    document = Document(file, None)
    try:
        node = yaml.compose(text, Loader=_loader())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        line = (text.splitlines() or [""])[min(mark.line, len(text.splitlines()) - 1)] if mark and text else ""
        hint = " (YAML takes no tabs: indent with spaces)" if "\t" in line else ""
        raise ComposeErrors([f"{place}: {error.problem}{hint}"]) from None
    except yaml.YAMLError as error:
        raise ComposeErrors([f"{file}: {error}"]) from None
    document.data = _value(node, (), document, ()) if node is not None else None
    return document


def _value(node: Any, at: Path, document: Document, above: tuple[int, ...]) -> Any:
    if id(node) in above:
        document.wrong(at, "an alias refers to what it is part of")
        return None
    above = (*above, id(node))
    document.places.setdefault(at, (node.start_mark.line + 1, node.start_mark.column + 1))
    if node.tag == "!reset":
        return Reset()
    inner: Any
    if node.id == "mapping":
        inner = _mapping(node, at, document, above)
    elif node.id == "sequence":
        inner = [_value(item, (*at, index), document, above) for index, item in enumerate(node.value)]
    else:
        inner = _scalar(node)
    return Override(inner) if node.tag == "!override" else inner


def _mapping(node: Any, at: Path, document: Document, above: tuple[int, ...]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if key_node.tag.endswith(":merge"):
            sources = value_node.value if value_node.id == "sequence" else [value_node]
            for source in sources:
                held = _value(source, at, document, above)
                if not isinstance(held, dict):
                    document.wrong(at, "`<<` takes a mapping or a list of mappings")
                    continue
                for key, value in held.items():
                    merged.setdefault(key, value)
            continue
        key = key_node.value if key_node.id == "scalar" else None
        if key is None:
            document.wrong(at, "a key has to be text")
            continue
        here = (*at, key)
        if key in out:
            document.findings.append(
                f"{document.file}:{key_node.start_mark.line + 1}:{key_node.start_mark.column + 1}: '{key}' is given twice"
            )
        document.places[here] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        out[key] = _value(value_node, here, document, above)
    return {**merged, **out}


def _scalar(node: Any) -> Any:
    kind, text = node.tag.rpartition(":")[2], node.value
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        digits = text.replace("_", "").lstrip("+-")
        sign = -1 if text.startswith("-") else 1
        if digits.startswith(("0x", "0o", "0b")):
            return sign * int(digits, 0)
        return sign * int(digits, 8 if digits.startswith("0") and len(digits) > 1 else 10)
    if kind == "float":
        lowered = text.replace("_", "").lower()
        return float(lowered.replace(".inf", "inf").replace(".nan", "nan"))
    return text
