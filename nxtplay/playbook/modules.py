"""Which words name a module, and which action a task holds."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from nxtplay.errors import Span, did_you_mean
from nxtplay.modules.registry import ALIASES
from nxtplay.playbook.findings import Findings, listed, shown, unknown_key
from nxtplay.playbook.foreign import is_foreign
from nxtplay.playbook.keywords import HANDLER, INCLUDE, KEYWORDS, LOOKUPS, legal, templated
from nxtplay.playbook.model import Located, YamlMap
from nxtplay.playbook.split import split_command, split_pairs

# collections whose modules are here under their short names
COLLECTIONS = (
    "ansible.builtin",
    "ansible.legacy",
    "ansible.posix",
    "community.crypto",
    "community.docker",
    "community.general",
    "community.postgresql",
    "nxtplay",
)
COMMANDS = frozenset(("command", "shell", "raw", "script"))
INCLUDES = frozenset(("include_tasks", "include_role"))
IMPORT_PLAYBOOK = ("import_playbook", "ansible.builtin.import_playbook", "ansible.legacy.import_playbook")
IMPORTS = frozenset(("import_tasks", "import_role"))
# the argument that the words of `include_tasks: setup.yml` fill
FILE_WORDS = {"include_tasks": "file", "import_tasks": "file", "include_vars": "file"}
# groups of module_defaults: the start of their modules' names
GROUPS = {
    "docker": "docker_",
    "community.docker.docker": "docker_",
    "postgresql": "postgresql_",
    "community.postgresql.postgresql": "postgresql_",
}


def canonical(word: str, known: Collection[str]) -> str | None:
    """The short name of a module however it is written (`ansible.builtin.copy` -> `copy`); None when there is no such module."""
    collection, _, name = word.rpartition(".")
    if collection in ("", "ansible.legacy") and f"ansible.legacy.{name}" in known:
        return f"ansible.legacy.{name}"  # brought beside the playbook, in place of the one that is here
    if word in known:
        return word
    return name if name in known and collection in COLLECTIONS else None


def suggestion(word: str, known: Collection[str]) -> str:
    """Which module was probably meant."""
    collection, _, name = word.rpartition(".")
    if not collection:
        return did_you_mean(word, known)
    if collection not in COLLECTIONS:
        near = did_you_mean(collection, COLLECTIONS)
        if name in known:
            return near.replace("'?", f".{name}'?") if near else f"write '{name}'"
        return near or f"known collections: {listed(COLLECTIONS)}"
    return did_you_mean(name, known).replace("'", f"'{collection}.", 1)


@dataclass(frozen=True)
class Action:
    """What a task does, as written: the module by its short name and what it is given."""

    module: str
    module_span: Span
    args: YamlMap
    free_form: Located | None = None
    local: bool = False
    foreign: bool = False  # Ansible has this module, nxtplay does not


def find_action(
    raw: YamlMap,
    where: str,
    known: Collection[str],
    found: Findings,
    *,
    of_collections: Callable[[str], bool] = lambda _: False,
    installed: Callable[[str], str | None] = lambda _: None,
) -> Action | None:
    """The one action of a task; reports when there is none or more than one, and every key that means nothing. `of_collections` says
    whether a short name means a module of a collection that is not here, `installed` gives the full name of one that can be run."""
    keywords = legal(where)
    candidates = [key for key in raw if key not in keywords and not (isinstance(key, str) and key.startswith("with_"))]
    actions = [key for key in candidates if isinstance(key, str) and canonical(key, known)]
    full = {} if actions else {key: name for key in candidates if isinstance(key, str) and (name := installed(key))}
    actions = actions or list(full)
    words = [] if actions else [key for key in candidates if isinstance(key, str)]
    foreign = [key for key in words if is_foreign(key, known, COLLECTIONS) or of_collections(key)]
    actions = actions or foreign
    spoken = [key for key in ("action", "local_action") if key in raw]
    all_actions = [*actions, *spoken]
    if len(all_actions) > 1:
        first, second = sorted(all_actions, key=lambda key: raw.keys_at[key])[:2]
        hint = "a task does one thing: start a new one with '-' for the other"
        found.error(f"two actions in one task: '{first}' and '{second}'", raw.keys_at[second], hint, ("the first one", raw.keys_at[first]))
    unknown = [key for key in candidates if key not in actions]
    if not all_actions:
        _no_action(raw, where, unknown, known, found)
        return None
    key = all_actions[0]
    module = key if key in spoken else canonical(key, known) or full.get(key) or key.rpartition(".")[2]
    allowed = legal(INCLUDE) if module in INCLUDES and where != HANDLER else keywords
    for extra in unknown:
        unknown_key(extra, raw.keys_at[extra], where, keywords, found, further=tuple(known))
    for extra in raw:
        if extra in keywords and extra not in allowed:
            unknown_key(extra, raw.keys_at[extra], INCLUDE, allowed, found)
    if key in spoken:
        return _spoken_action(raw, key, known, found, installed)
    action = _with_args(raw, module, raw.keys_at[key], raw[key], raw.values_at[key], found)
    return dataclasses.replace(action, foreign=True) if action and foreign else action


def _no_action(raw: YamlMap, where: str, unknown: list[Any], known: Collection[str], found: Findings) -> None:
    """A task without a known module: the most likely key is taken for the module, the others are unknown keywords."""
    words = [key for key in unknown if isinstance(key, str) and key not in KEYWORDS and "{{" not in key]
    keywords = legal(where)
    as_keyword = [key for key in words if did_you_mean(key, keywords) and not suggestion(key, known)]
    modules = [key for key in words if key not in as_keyword]
    for key in unknown:
        if key not in modules:
            unknown_key(key, raw.keys_at[key], where, keywords, found)
    if modules:
        for key in modules:
            near = suggestion(key, [*known, *(keywords if "." not in key else ())])
            found.error(f"unknown module '{key}'", raw.keys_at[key], near or "`nxtplay doc` lists the modules")
    elif not unknown:
        found.error("a task without an action", raw.span, "add the module to run, such as  command: ls")


def _spoken_action(
    raw: YamlMap, key: str, known: Collection[str], found: Findings, installed: Callable[[str], str | None]
) -> Action | None:
    """`action: copy src=a dest=b`, `action: {module: copy, src: a}` and the same after local_action."""
    value, span = raw[key], raw.values_at[key]
    given: Any
    local = key == "local_action"
    if isinstance(value, YamlMap):
        given = _without(value, "module")
        if isinstance(value.get("args"), YamlMap):
            given = _merged(_without(given, "args"), value["args"])
        word, word_span = value.get("module"), value.values_at.get("module", span)
        if isinstance(word, str) and " " in word.strip():
            word, text = _first_word(word)
            given = _merged(given, split_pairs(text, word_span)[0])
    elif isinstance(value, str):
        word, given = _first_word(value)
        word_span = span._replace(end_column=span.column + len(word)) if span.end_column else span
    else:
        word, given, word_span = None, None, span
    if not isinstance(word, str) or not word:
        found.error(f"'{key}' takes a module with its arguments, found {shown(value)}", span, f"such as  {key}: command ls")
        return None
    module = word if templated(word) else canonical(word, known) or installed(word)
    if module is None:
        found.error(f"unknown module '{word}'", word_span, suggestion(word, known))
        return None
    place = span
    if isinstance(given, str) and span.end_column - span.column == len(value):
        place = span._replace(column=span.column + len(value) - len(given.lstrip()))
        given = given.lstrip()
    action = _with_args(raw, module, word_span, given or None, place, found)
    return dataclasses.replace(action, local=local) if action else None


def _first_word(text: str) -> tuple[str, str]:
    """The module's name, which may be a template, and what follows it."""
    match = re.match(r"((?:\{\{.*?\}\}|\S)+)\s*", text.strip(), re.DOTALL)
    return (match[1], text.strip()[match.end() :]) if match else ("", "")


def _without(raw: YamlMap, key: str) -> YamlMap:
    rest = YamlMap(((k, v) for k, v in raw.items() if k != key), span=raw.span)
    rest.keys_at, rest.values_at = dict(raw.keys_at), dict(raw.values_at)
    return rest


def _with_args(raw: YamlMap, module: str, module_span: Span, value: Any, span: Span, found: Findings) -> Action | None:
    """The arguments of a module in whichever form, `args:` under those that stand with the module itself."""
    free_form: Located | None = None
    args = YamlMap(span=span)
    if isinstance(value, YamlMap):
        args = value
    elif isinstance(value, str):
        args, free_form = _from_text(module, value, span, found)
    elif module in COMMANDS and isinstance(value, (int, float)):
        free_form = Located(str(value), span)
    elif value is not None:
        found.error(f"'{module}' takes its arguments as a mapping, found {shown(value)}", span)
        return None
    extra = raw.get("args")
    if isinstance(extra, YamlMap):
        args = _merged(extra, args)
    elif isinstance(extra, str) and (free_form is None or templated(extra)):
        if free_form is not None and module not in FILE_WORDS:
            word = YamlMap({"_raw_params": free_form.value}, span=span)
            word.keys_at = word.values_at = {"_raw_params": free_form.span}
            args = _merged(args, word)
        free_form = Located(extra, raw.values_at["args"])
    return Action(module, module_span, args, free_form)


def _from_text(module: str, text: str, span: Span, found: Findings) -> tuple[YamlMap, Located | None]:
    if module in COMMANDS:
        args, command = split_command(text, span)
        return args, Located(command, span) if command else None
    if module in FILE_WORDS:
        text = text.strip()  # a folded scalar ends its line
        args = YamlMap({FILE_WORDS[module]: text}, span=span)
        args.keys_at = args.values_at = {FILE_WORDS[module]: span}
        if not templated(text) and "=" in text:
            pairs, rest, _ = split_pairs(text, span)
            if rest and pairs:
                pairs[FILE_WORDS[module]] = rest
                pairs.keys_at[FILE_WORDS[module]] = pairs.values_at[FILE_WORDS[module]] = span
            args = pairs or args
        return args, Located(args[FILE_WORDS[module]], span) if FILE_WORDS[module] in args else None
    args, rest, place = split_pairs(text, span)
    if module == "meta" or (not args and rest.startswith("{{") and rest.endswith("}}")):
        return YamlMap(span=span), Located(text.strip(), span)
    if rest.startswith("{{") and rest.endswith("}}"):  # a mapping that a template brings, and more beside it
        return args, Located(rest, span)
    if rest and templated(module):
        return args, Located(rest, span)
    if rest:
        hint = f"write the arguments below {module}: as a mapping, or as key=value"
        found.error(f"'{module}' takes arguments, found {shown(rest)}", place or span, hint)
    return args, None


def _merged(under: YamlMap, over: YamlMap) -> YamlMap:
    merged = YamlMap({**under, **over}, span=over.span if over else under.span)
    merged.keys_at = {**under.keys_at, **over.keys_at}
    merged.values_at = {**under.values_at, **over.values_at}
    return merged


def loop_lookup(raw: YamlMap, found: Findings) -> str | None:
    """The key of `with_X`, if there is one with a lookup that exists."""
    keys = [key for key in raw if isinstance(key, str) and key.startswith("with_")]
    if "loop" in raw and keys:
        found.error(f"'loop' and '{keys[0]}' in one task", raw.keys_at[keys[0]], "keep one of them", ("the loop", raw.keys_at["loop"]))
    elif len(keys) > 1:
        found.error(f"'{keys[0]}' and '{keys[1]}' in one task", raw.keys_at[keys[1]], "keep one of them")
    for key in keys:
        if key[5:].rpartition(".")[2] not in LOOKUPS and not _brought(key[5:]):
            near = did_you_mean(key, [f"with_{name}" for name in LOOKUPS])
            found.error(f"'{key}' is no loop: there is no lookup '{key[5:]}'", raw.keys_at[key], near)
            return None
    return keys[0] if keys else None


def _brought(name: str) -> bool:
    """Whether a lookup is one that a plugin brings."""
    from nxtplay.template.lookups import lookup

    return lookup(name) is not None


def concerns(key: str, module: str, group: Callable[[str], Collection[str]] = lambda _: ()) -> bool:
    """Whether an entry of module_defaults, a module's name or `group/NAME`, is about a module; `group` gives the full names of the modules
    in a group of an installed collection."""
    if key.startswith("group/"):
        prefix = GROUPS.get(key[6:])
        ours = prefix is not None and module.startswith(prefix)
        return ours or any(module in (name, canonical(name, (module,))) for name in group(key[6:]))
    if "." in module and key in (module, module.rpartition(".")[2]):
        return True
    named = canonical(key, (module, *ALIASES, *ALIASES.values()))
    return named is not None and ALIASES.get(named, named) == ALIASES.get(module, module)
