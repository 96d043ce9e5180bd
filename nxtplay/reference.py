"""What modules and keywords are, for readers and editors: from the same source as validation, so it cannot differ from what is accepted."""

from __future__ import annotations

import dataclasses
import inspect
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Union, get_args, get_origin

from nxtplay.core.resource import Action, Args, Module, Query, Resource
from nxtplay.core.spec import ArgSpec, Rule
from nxtplay.core.types import Raw
from nxtplay.modules import registry
from nxtplay.playbook import schema, words

KINDS = {
    Resource: ("resource", "In a check it is compared with what is there; what a run would change is told and counted on by later tasks."),
    Action: ("action", "In a check it is not carried out: it is told whether it would be, and its result is unknown."),
    Query: ("query", "It only looks, so it does the same in a check."),
}


def kind(module: type[Module]) -> tuple[str, str]:
    """`resource`, `action` or `query`, and what that means for a check."""
    return next((told for base, told in KINDS.items() if issubclass(module, base)), ("module", ""))


def default(spec: ArgSpec) -> str:
    """The default as one would write it; empty when there is none to speak of."""
    value = spec.default
    if spec.required or value is None or value is dataclasses.MISSING or value in ([], {}, "", ()):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _printable(str(value)) if isinstance(value, (str, int, float)) else ""


def _printable(text: str) -> str:
    """Line ends and the like as one writes them."""
    return text if text.isprintable() else "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def meaning(spec: ArgSpec) -> str:
    """Its help, with choices of items and other spellings."""
    said = [spec.help.rstrip()]
    if spec.choices:
        said.append(f"Items: {', '.join(spec.choices)}.")
    if spec.aliases:
        said.append(f"Also: {', '.join(spec.aliases)}.")
    return " ".join(said)


def rules(module: type[Args]) -> Iterator[str]:
    """What has to hold between arguments, in sentences."""
    for rule in module.rules:
        yield _rule(rule)


def _rule(rule: Rule) -> str:
    names = [name.rstrip("_") for name in rule.names]
    if rule.kind == "required_if":
        values = rule.value if isinstance(rule.value, tuple) else (rule.value,)
        verb = "is" if len(names) == 2 else "are"
        return f"{_and(names[1:])} {verb} required when {names[0]} is {' or '.join(map(str, values))}."
    said = {"exclusive": "exclude each other", "together": "go together", "one_of": "at least one is required"}[rule.kind]
    return f"{_and(names)}: {said}." if rule.kind == "one_of" else f"{_and(names)} {said}."


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _inner(wanted: Any) -> type | None:
    """The nested argument class of a type, if it has one."""
    if isinstance(wanted, type) and hasattr(wanted, "specs"):
        return wanted
    return next((found for part in getattr(wanted, "__args__", ()) if (found := _inner(part))), None)


def _type(spec: ArgSpec) -> str:
    inner = _inner(spec.type)
    if inner is not None:
        return "list of mappings" if getattr(spec.type, "__origin__", None) is list else "mapping"
    choices = getattr(spec.type, "__args__", ()) if getattr(spec.type, "__origin__", None) is Literal else ()
    if choices:
        return "one of " + ", ".join(dict.fromkeys(_printable(str(choice)) for choice in choices))
    return _printable(_in_words(spec.type))


def _in_words(wanted: Any) -> str:
    """The type as a reader would say it."""
    origin = get_origin(wanted)
    if origin is Literal:
        return "one of " + ", ".join(str(c) for c in get_args(wanted))
    if origin is list:
        return f"list of {_in_words(get_args(wanted)[0])}"
    if origin is dict:
        return "mapping"
    if origin is Union:
        return " or ".join(sorted(_in_words(m) for m in get_args(wanted)))  # Python keeps the order of whoever wrote it first
    if isinstance(wanted, type) and hasattr(wanted, "specs"):
        return "mapping of " + ", ".join(spec.name for spec in wanted.specs().values())
    names: Mapping[Any, str] = {bool: "true or false", int: "whole number", float: "number", str: "text", Raw: "anything", Any: "anything"}
    return names.get(wanted, getattr(wanted, "__name__", str(wanted)).lower())


def walk(cls: type, depth: int = 0) -> Iterator[tuple[int, ArgSpec]]:
    """The arguments in the order written, required ones first, each followed by those inside it."""
    specs: Mapping[str, ArgSpec] = cls.specs()  # type: ignore[attr-defined]
    for spec in sorted(specs.values(), key=lambda s: not s.required):
        yield depth, spec
        inner = _inner(spec.type)
        if inner is not None and depth < 3:
            yield from walk(inner, depth + 1)


def text(name: str, columns: int = 100) -> str:
    """A page for a terminal: of a module, or of a word of the language. KeyError when there is neither."""
    if name in registry.ENGINE_WORDS:
        return _text(name, "word of the language", "", words.ARGS.get(name) or words.OPEN[name], columns)
    module = registry.load(name)
    return _text(name, *kind(module), module, columns)


def _text(name: str, what: str, check: str, about: type[Args] | str, columns: int) -> str:
    from textwrap import TextWrapper

    def wrapped(text: str, pad: str = "", further: str = "") -> list[str]:
        return TextWrapper(columns, initial_indent=pad, subsequent_indent=pad + further, break_on_hyphens=False).wrap(text)

    first, _, rest = inspect.cleandoc(about if isinstance(about, str) else about.__doc__ or "").partition("\n")
    out = [f"{name} ({what})", "", *wrapped(first), *rest.rstrip().split("\n"), "", *wrapped(check)]
    free_form = getattr(about, "free_form", None)
    if free_form:
        out += ["", f"`{name}: TEXT` is short for `{name}: {{{free_form}: TEXT}}`."]
    if not isinstance(about, str):
        out += ["", "Arguments:"]
        for depth, spec in walk(about):
            pad = "  " * (depth + 1)
            value = f", default {default(spec)}" if default(spec) else ", required" if spec.required else ""
            line = f"{spec.name}: {_type(spec)}{value}"
            out += ["", *wrapped(line, pad, "    "), *wrapped(meaning(spec), pad + "    ")]
        said = list(rules(about))
        out += ["", "Rules:", *(f"  {sentence}" for sentence in said)] if said else []
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).rstrip("\n") + "\n"


def page(name: str) -> str:
    """A module's page in Markdown."""
    module = registry.load(name)
    what, check = kind(module)
    out = [f"# {name}", "", inspect.cleandoc(module.__doc__ or ""), "", f"Kind: {what}. {check}", ""]
    if module.free_form:
        out += [f"`{name}: TEXT` is short for `{name}: {{{module.free_form}: TEXT}}`.", ""]
    out += ["| argument | type | default | meaning |", "|---|---|---|---|"]
    for depth, spec in walk(module):
        value = "required" if spec.required else f"`{default(spec)}`" if default(spec) else ""
        label = "&nbsp;&nbsp;" * depth + f"`{spec.name}`"
        out.append(f"| {label} | {_cell(_type(spec))} | {_cell(value)} | {_cell(meaning(spec))} |")
    said = list(rules(module))
    out += ["", "Rules:", "", *(f"- {sentence}" for sentence in said)] if said else []
    return "\n".join([*out, ""])


def _cell(value: str) -> str:
    return value.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def summaries() -> dict[str, tuple[str, str]]:
    """Every module's kind and first line."""
    found = {name: registry.load(name) for name in sorted(registry.names())}
    return {name: (kind(module)[0], inspect.cleandoc(module.__doc__ or "").partition("\n")[0]) for name, module in found.items()}


def pages() -> dict[str, str]:
    """The files of docs/modules, by name."""
    told = summaries()
    index = ["# Modules", "", "Generated by `nxtplay doc --write docs/modules`.", "", "| module | kind | what it does |", "|---|---|---|"]
    index += [f"| [{name}]({name}.md) | {what} | {_cell(first)} |" for name, (what, first) in told.items()]
    index += ["", f"Words of the engine itself: {', '.join(f'`{word}`' for word in sorted(registry.ENGINE_WORDS))}.", ""]
    return {"README.md": "\n".join(index), **{f"{name}.md": page(name) for name in told}}


def stale(folder: str) -> list[str]:
    """The files in a folder that are not as `pages` has them, or should not be there."""
    wanted = pages()
    found = {name for name in os.listdir(folder) if name.endswith(".md")} if os.path.isdir(folder) else set()
    return sorted(name for name in found | set(wanted) if name not in wanted or _read(os.path.join(folder, name)) != wanted[name])


def write(folder: str) -> list[str]:
    """Make a folder's pages as they should be; the names of those that were not."""
    os.makedirs(folder, exist_ok=True)
    wanted, changed = pages(), stale(folder)
    for name in changed:
        path = os.path.join(folder, name)
        if name in wanted:
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(wanted[name])
        else:
            os.unlink(path)
    return changed


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except OSError:
        return ""


def playbook_schema() -> dict[str, Any]:
    """JSON Schema (draft 7) of a playbook, modules and their arguments included."""
    return schema.json_schema(registry.names() | registry.ENGINE_WORDS - {"import_playbook"})


def tasks_schema() -> dict[str, Any]:
    """The schema of a file of tasks (a role's tasks/main.yml)."""
    return {**playbook_schema(), "title": "Tasks for nxtplay", "items": {"$ref": "#/definitions/item"}}
