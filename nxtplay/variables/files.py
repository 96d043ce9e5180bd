"""Variables from files: one file, a directory of them, group_vars and host_vars, include_vars, .env.

Every function is given `read(path)`, which turns a YAML or JSON file into values with places.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from nxtplay.core.state import Secret
from nxtplay.errors import Diagnostic, Span, VariableError, did_you_mean

Read = Callable[[str], Any]
EXTENSIONS = ("", ".yml", ".yaml", ".json")  # in the order in which group_vars/NAME is looked for
_IN_DIRECTORIES = frozenset(EXTENSIONS)


def load_file(path: str, *, read: Read) -> Mapping[str, Any]:
    """The variables in a file; an empty file has none. The values of a `.env` file are secrets. VariableError for what is no mapping."""
    if is_env_file(path):
        return read_env(path)
    value = read(path)
    if value is None:
        return {}
    if not isinstance(value, dict):
        kind = "a list" if isinstance(value, list) else f"the text {str(value)[:40]!r}" if isinstance(value, str) else repr(value)
        raise VariableError(
            Diagnostic(
                f"a variables file holds names and values, this one holds {kind}",
                getattr(value, "span", None) or Span(path, 1, 1),
                "write `name: value` lines",
            )
        )
    return value


def is_env_file(path: str) -> bool:
    name = os.path.basename(path)
    return name == ".env" or name.startswith(".env.") or name.endswith(".env")


_ENV_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)", re.DOTALL)


def read_env(path: str) -> dict[str, Any]:
    """The variables of a `.env` file: NAME=value lines, quotes as Docker Compose reads them; every value is a Secret."""
    out = EnvFile(path)
    try:
        with open(path, encoding="utf-8") as stream:
            lines = stream.read().splitlines()
    except OSError as error:
        raise VariableError(Diagnostic(f"cannot read {path}: {error.strerror}")) from None
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _ENV_LINE.fullmatch(line)
        if found is None:
            message = f"this is no line of an env file: {line.split('=')[0][:40]!r}"
            raise VariableError(Diagnostic(message, Span(path, number, 1), "write NAME=value"))
        name, value = found.group(1), found.group(2).strip()
        out[name] = Secret(_unquoted(value))
        out.values_at[name] = Span(path, number, found.start(2) + 1)
    return out


class EnvFile(dict[str, Any]):
    """The variables of one env file and their places."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.span = Span(path, 1, 1)
        self.values_at: dict[str, Span] = {}


def _unquoted(value: str) -> str:
    if value[:1] == "'":
        end = value.find("'", 1)
        return value[1:end] if end > 0 else value
    if value[:1] == '"':
        found = re.match(r'"((?:[^"\\]|\\.)*)"', value)
        if found is None:
            return value
        return re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r", "t": "\t"}.get(m.group(1), m.group(1)), found.group(1))
    return re.split(r"\s+#", value, maxsplit=1)[0].rstrip()


class VarsDirectory:
    """One `group_vars` or `host_vars` directory: which names it has files for, and their variables when asked."""

    def __init__(self, path: str, *, read: Read) -> None:
        self.path = path
        self._read = read
        try:
            self._entries = frozenset(os.listdir(path))
        except OSError:
            self._entries = frozenset()
        self._loaded: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}

    def of(self, name: str) -> list[tuple[str, Mapping[str, Any]]]:
        """The files for a name with their variables, later ones counting more. Of NAME, NAME.yml, .yaml and .json the first counts."""
        if name not in self._loaded:
            self._loaded[name] = []
            for extension in EXTENSIONS:
                if name + extension in self._entries:
                    path = os.path.join(self.path, name + extension)
                    files = walk(path) if os.path.isdir(path) else [path]
                    self._loaded[name] = [(file, load_file(file, read=self._read)) for file in files]
                    break
        return self._loaded[name]

    def unused(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """Files that match none of the names: (path, hint)."""
        known = set(names)
        out = []
        for entry in sorted(self._entries):
            stem, extension = os.path.splitext(entry)
            if entry.startswith(".") or entry.endswith("~") or entry in known or (extension in EXTENSIONS and stem in known):
                continue
            if extension not in EXTENSIONS and not os.path.isdir(os.path.join(self.path, entry)):
                continue
            name = stem if extension in EXTENSIONS else entry
            out.append((os.path.join(self.path, entry), did_you_mean(name, known)))
        return out


def walk(path: str, *, depth: int = 0, extensions: Iterable[str] | None = _IN_DIRECTORIES) -> list[str]:
    """The variables files below a directory, alphabetically, what is hidden and backups left out; depth 0: all of it; None: any ending."""
    allowed = None if extensions is None else _endings(extensions)
    out: list[str] = []
    for entry in sorted(os.listdir(path)):
        if entry.startswith(".") or entry.endswith("~"):
            continue
        full = os.path.join(path, entry)
        if os.path.isdir(full):
            if depth != 1:
                out += walk(full, depth=max(depth - 1, 0), extensions=extensions)
        elif allowed is None or os.path.splitext(entry)[1] in allowed:
            out.append(full)
    return out


def _endings(extensions: Iterable[str]) -> set[str]:
    return {extension if not extension or extension.startswith(".") else "." + extension for extension in extensions}


_INCLUDE_KEYS = (
    "file",
    "dir",
    "name",
    "depth",
    "extensions",
    "ignore_files",
    "files_matching",
    "ignore_unknown_extensions",
    "hash_behaviour",
    "_raw_params",
)


def include_vars(
    args: Mapping[str, Any], *, find: Callable[[str], Sequence[str]], read: Read, span: Span | None = None
) -> tuple[dict[str, Any], list[str]]:
    """What `include_vars` brings: the variables and the files they came from.

    args are rendered; `find(path)` gives the places where a file or directory of that name may be, nearest first.
    """
    for key in args:
        if key not in _INCLUDE_KEYS:
            raise VariableError(Diagnostic(f"include_vars: unknown argument '{key}'", span, did_you_mean(key, _INCLUDE_KEYS)))
    file, folder = args.get("file") or args.get("_raw_params"), args.get("dir")
    if (file is None) == (folder is None):
        raise VariableError(Diagnostic("include_vars: give either file or dir", span))
    path = _first_there(str(file or folder), find, span)
    if os.path.isdir(path) and file is not None:
        raise VariableError(Diagnostic(f"include_vars: {path} is a directory", span, "give it as dir: instead of file:"))
    files = [path] if file is not None else _chosen(path, args, span)
    values: dict[str, Any] = {}
    for each in files:
        found = load_file(each, read=read)
        if str(args.get("hash_behaviour", "")) == "merge":
            values = merged(values, found)
        else:
            values.update(found)
    name = args.get("name")
    return ({str(name): values} if name else values), files


def _chosen(path: str, args: Mapping[str, Any], span: Span | None) -> list[str]:
    if not os.path.isdir(path):
        raise VariableError(Diagnostic(f"include_vars: {path} is no directory", span))
    extensions = args.get("extensions") or ["yml", "yaml", "json"]
    extensions = [extensions] if isinstance(extensions, str) else [str(extension) for extension in extensions]
    ignored = args.get("ignore_files") or []
    ignored = ignored.split() if isinstance(ignored, str) else [str(item) for item in ignored]
    matching = re.compile(str(args["files_matching"])) if args.get("files_matching") else None
    found = walk(path, depth=int(args.get("depth") or 0), extensions=None)
    allowed = _endings(extensions)
    skipped = [re.compile(pattern) for pattern in ignored]
    chosen = [
        file
        for file in found
        if not any(pattern.search(os.path.basename(file)) for pattern in skipped)
        and (matching is None or matching.search(os.path.basename(file)))
    ]
    wrong = next((file for file in chosen if os.path.splitext(file)[1] not in allowed), None)
    if wrong and not args.get("ignore_unknown_extensions"):
        hint = "ignore_unknown_extensions passes over such files"
        raise VariableError(Diagnostic(f"{wrong} does not have a valid extension: {', '.join(extensions)}", span, hint))
    return [file for file in chosen if file != wrong and os.path.splitext(file)[1] in allowed]


def _first_there(name: str, find: Callable[[str], Sequence[str]], span: Span | None) -> str:
    tried = list(find(name))
    for path in tried:
        if os.path.exists(path):
            return path
    raise VariableError(Diagnostic(f"include_vars: there is no '{name}'", span, "looked for: " + ", ".join(tried)))


def merged(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """Both, dicts under one name merged at every depth (hash_behaviour merge)."""
    out = dict(low)
    for key, value in high.items():
        old = out.get(key)
        out[key] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return out
