"""This machine's own package sources: what stands in /etc/apt, in both of apt's formats."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional


@dataclass(frozen=True)
class Source:
    """One repository of binary packages. `key` is the text of a key that stands in the source itself."""

    uri: str
    suite: str
    components: Sequence[str]
    options: Sequence[str] = ()
    """As in brackets of the one-line format: `arch=amd64`, `trusted=yes`, `signed-by=/path`."""
    key: Optional[str] = None

    def line(self, keyring: Optional[str] = None) -> str:
        """As one line; `keyring` is the path at which a key of its own was written."""
        options = [*self.options, *([f"signed-by={keyring}"] if keyring else [])]
        bracketed = f"[{' '.join(options)}] " if options else ""
        return f"deb {bracketed}{self.uri} {self.suite} {' '.join(self.components)}".rstrip()


def read(folder: Path = Path("/etc/apt")) -> list[Source]:
    """Every enabled source of binary packages."""
    names = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    found: list[Source] = []
    for path in names:
        if path.suffix not in (".list", ".sources") or not path.is_file():
            continue
        text = path.read_text(errors="replace")
        found += one_line(text) if path.suffix == ".list" else deb822(text)
    return list(dict.fromkeys(found))


def one_line(text: str) -> Iterator[Source]:
    """`deb [options] uri suite component ...`, one to a line."""
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[([^]]*)\]\s*)?(\S+)\s+(\S+)([^#]*)", line)
        if match:
            options = re.sub(r"\s*=\s*", "=", match[1] or "").split()
            yield Source(match[2], match[3], tuple(match[4].split()), tuple(options))


def deb822(text: str) -> Iterator[Source]:
    """Paragraphs of `Field: value`, in which one paragraph may name several uris and suites."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for paragraph in re.split(r"\n[ \t]*\n", "\n".join(lines)):
        fields: dict[str, str] = {}
        name = ""
        for line in paragraph.splitlines():
            if line[:1] in " \t" and name:
                fields[name] += "\n" + line.strip()
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        options, key = [], None
        for field, option in (("architectures", "arch"), ("trusted", "trusted"), ("signed-by", "signed-by")):
            value = fields.get(field, "")
            if "BEGIN PGP" in value:
                key = re.sub(r"^\.$", "", value.strip(), flags=re.MULTILINE) + "\n"
            elif value:
                options.append(f"{option}={','.join(value.split())}")
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Source(uri, suite, tuple(fields.get("components", "").split()), tuple(options), key)
