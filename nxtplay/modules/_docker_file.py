"""What a Dockerfile builds on: the images its stages take, and whether it needs BuildKit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Mapping


@dataclass(frozen=True)
class Dockerfile:
    """`bases`: images outside the file that the build takes from, in order, each once. `buildkit`: the first instruction that only
    BuildKit understands, or ''. `stages`: names of the stages, '' where one has none."""

    bases: tuple[str, ...]
    buildkit: str
    stages: tuple[str, ...]


_VARIABLE = re.compile(r"\\\$|\$(?:\{(\w+)(?:(:?[-+])([^}]*))?\}|(\w+))")


def parse(text: str, args: Mapping[str, str], target: str = "") -> Dockerfile:
    """Read the file as far as needed; `args` are build arguments, `target` ends the build at that stage."""
    known: dict[str, str] = {}
    bases: list[str] = []
    stages: list[str] = []
    buildkit = ""
    for line in _logical_lines(text):
        word, _, rest = line.partition(" ")
        word, rest = word.upper(), rest.strip()
        if word == "ARG" and not stages:
            name, _, default = rest.partition("=")
            value = args.get(name, substitute(default.strip("\"'"), known))
            known[name] = value
        elif word == "FROM":
            if target and stages and target in (stages[-1], str(len(stages) - 1)):
                break
            words = [w for w in rest.split() if not w.startswith("--")]
            image = substitute(words[0], known) if words else ""
            name = words[2].lower() if len(words) > 2 and words[1].lower() == "as" else ""
            if image != "scratch" and image.lower() not in stages and image and image not in bases:
                bases.append(image)
            stages.append(name)
        elif word in ("COPY", "ADD", "RUN"):
            source = re.search(r"--from=(\S+)", rest) if word == "COPY" else None
            if source and not source.group(1).isdigit() and source.group(1).lower() not in stages:
                image = substitute(source.group(1), known)
                if image not in bases:
                    bases.append(image)
            buildkit = buildkit or _needs_buildkit(word, rest)
    return Dockerfile(tuple(bases), buildkit, tuple(stages))


def _needs_buildkit(word: str, rest: str) -> str:
    options = re.match(r"((?:--\S+\s+)*)", rest)
    for option in options.group(1).split() if options else ():
        name = option.partition("=")[0]
        if word == "RUN" or name in ("--link", "--chmod", "--parents", "--exclude", "--keep-git-dir", "--checksum"):
            return f"{word} {name}"
    if re.search(r"<<-?[\"']?\w+", rest) and word != "RUN":
        return f"{word} with a here-document"
    if word == "RUN" and re.match(r"<<-?[\"']?\w+", rest):
        return "RUN with a here-document"
    return ""


def _logical_lines(text: str) -> list[str]:
    """Instructions with their continuation lines joined, comments left out."""
    escape = "`" if re.match(r"\s*#\s*escape\s*=\s*`", text, re.IGNORECASE) else "\\"
    lines: list[str] = []
    open_line = ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("#") or (open_line and not line):
            continue
        if line.endswith(escape):
            open_line += line[:-1] + " "
            continue
        if open_line or line:
            lines.append((open_line + line).strip())
        open_line = ""
    if open_line:
        lines.append(open_line.strip())
    return lines


def substitute(text: str, known: Mapping[str, str]) -> str:
    """`$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}` replaced."""

    def one(found: "re.Match[str]") -> str:
        name = found.group(1) or found.group(4)
        if name is None:
            return "$"
        value, operator, word = known.get(name), found.group(2) or "", found.group(3) or ""
        there = value is not None and (value != "" or not operator.startswith(":"))
        if operator.endswith("-"):
            return value if there and value is not None else substitute(word, known)
        if operator.endswith("+"):
            return substitute(word, known) if there else ""
        return value or ""

    return _VARIABLE.sub(one, text)
