"""The doors of the room: playbooks, and what includes bring in while a play runs, as the model.

All of them report everything that is wrong at once, by one PlaybookErrors.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from nxtplay.errors import Diagnostic, Span
from nxtplay.playbook import imports
from nxtplay.playbook.findings import check_keys, check_names, check_values, place_of, shown, unknown_key
from nxtplay.playbook.inherit import each, inherit, located
from nxtplay.playbook.keywords import IMPORT, PLAY, PROMPT, legal
from nxtplay.playbook.model import Block, Included, Located, Play, Playbook, Role, Shared, YamlList, YamlMap
from nxtplay.playbook.modules import IMPORT_PLAYBOOK, canonical
from nxtplay.playbook.reading import Options, Place, Reading, first_file, library
from nxtplay.playbook.tasks import read_items, read_tasks_file
from nxtplay.template.messages import described

Render = Callable[[str, Mapping[str, Any]], Any]


def load(
    paths: str | Sequence[str],
    *,
    roles_path: Sequence[str] = (),
    collections_path: Sequence[str] = (),
    extra_vars: Mapping[str, Any] | None = None,
    render_static: Render | None = None,
    modules: Collection[str] | None = None,
    decrypt: Callable[[str, str], str] | None = None,
    module_paths: Sequence[str] = (),
    faulty: bool = False,
    typed: Mapping[str, str] | None = None,
) -> Playbook:
    """The plays of one or more playbooks, in order, with everything static resolved.

    `render_static(text, variables)` renders the names of imports; without it such a template is an error. `modules` are the short
    names that exist (default: all of nxtplay's), beside those of a `library/` and in the folders `module_paths`. `decrypt(text, path)`
    opens files that are vaults. Raises PlaybookErrors;
    `faulty` takes what could be read all the same, its `warnings` holding the errors, for `lint.check` to add what else is wrong.
    `typed` holds the texts of paths that are no files.
    """
    reading = Reading(options(roles_path, collections_path, extra_vars, render_static, modules, decrypt, module_paths))
    for path, text in (typed or {}).items():
        reading.take(os.path.normpath(path), text)
    names = [paths] if isinstance(paths, str) else list(paths)
    plays: list[Play] = []
    for path in names:
        plays += _playbook_file(reading, os.path.normpath(path), _Brought(), ())
    if not faulty:
        reading.found.raise_errors()
    return Playbook(names[0] if names else "", tuple(plays), reading.sources, tuple(dict.fromkeys(reading.found)))


def load_tasks(
    path: str,
    *,
    shared: Shared,
    base: str,
    role: Role | None = None,
    variables: Mapping[str, Any] | None = None,
    handlers: bool = False,
    stack: Sequence[str] = (),
    span: Span | None = None,
    maybe: bool = False,
    given: Options | None = None,
) -> Included:
    """A file of tasks as include_tasks brings it in. `path` may be relative: it is found like the imports of `role` or of the
    playbook directory `base`; `stack` names the files that asked for it, nearest last, and `span` is the place of the include.
    `shared` is the include's `Task.apply`; `maybe`: the include may never be reached, so that what only a run would meet is a warning.
    """
    reading = Reading(given or options())
    here = Place(
        file=stack[-1] if stack else os.path.join(base, "playbook"),
        base=base,
        known=reading.options.known | library(base) | (library(role.path) if role else frozenset()),
        role=role,
        handlers=handlers,
        maybe=maybe,
        scopes=(variables or {},),
    )
    tried = imports.task_files(path, here)
    file = first_file(tried)
    if file is None:
        message, hint = imports.missing("file of tasks", path, tried)
        (reading.found.warning if maybe else reading.found.error)(message, span, hint)
        reading.found.raise_errors()
        return _included(reading, Block(Span(path), ()))
    span = Span(file or path, 1, 1)
    place = dataclasses.replace(here, file=file or path, stack=((file or path, span),))
    block = Block(span, read_tasks_file(reading, file or path, shared, place))
    return _included(reading, block)


def load_role(
    name: str,
    *,
    shared: Shared,
    base: str,
    span: Span,
    params: YamlMap | None = None,
    parent: Role | None = None,
    files: Mapping[str, str] | None = None,
    public: bool = False,
    allow_duplicates: bool = True,
    validate: bool = True,
    variables: Mapping[str, Any] | None = None,
    maybe: bool = False,
    given: Options | None = None,
) -> Included:
    """A role as include_role brings it in, dependencies first. `files` holds tasks_from, vars_from, defaults_from, handlers_from
    as given. `span` is the place of the include, for messages; `parent` the role that holds it."""
    reading = Reading(given or options())
    place = Place(
        file=span.file,
        base=base,
        known=reading.options.known | library(base) | (library(parent.path) if parent else frozenset()),
        role=parent,
        maybe=maybe,
        scopes=(variables or {},),
    )
    chosen = {imports.FROM[key]: Located(imports.stem(text), span) for key, text in (files or {}).items() if text and key in imports.FROM}
    blocks = imports.use_role(
        reading,
        name,
        span,
        shared,
        place,
        params=params if params is not None else YamlMap(span=span),
        files=chosen,
        public=public,
        allow_duplicates=allow_duplicates,
        validate=validate,
    )
    return _included(reading, Block(span, tuple(blocks)))


def _included(reading: Reading, block: Block) -> Included:
    reading.found.raise_errors()
    return Included(block, tuple(reading.handlers), tuple(reading.roles), reading.sources, tuple(dict.fromkeys(reading.found)))


def options(
    roles_path: Sequence[str] = (),
    collections_path: Sequence[str] = (),
    extra_vars: Mapping[str, Any] | None = None,
    render_static: Render | None = None,
    modules: Collection[str] | None = None,
    decrypt: Callable[[str, str], str] | None = None,
    module_paths: Sequence[str] = (),
) -> Options:
    """What all doors share, to be made once and given to load_tasks and load_role."""
    if modules is None:
        from nxtplay.modules import registry

        modules = registry.names() | registry.ENGINE_WORDS
    paths = tuple(roles_path), tuple(collections_path)
    return Options(frozenset(modules), *paths, dict(extra_vars or {}), render_static, decrypt, tuple(module_paths))


@dataclasses.dataclass(frozen=True)
class _Brought:
    """What import_playbook puts on the plays it brings in."""

    shared: Shared = dataclasses.field(default_factory=Shared)
    vars: YamlMap | None = None


def _playbook_file(reading: Reading, path: str, brought: _Brought, stack: tuple[tuple[str, Span], ...]) -> list[Play]:
    before = len(reading.found)
    data = reading.read(path)
    if data is None or data == []:
        if len(reading.found) == before:
            reading.found.error("the playbook is empty", Span(path), "it holds a list of plays, each with hosts: and tasks:")
        return []
    if not isinstance(data, YamlList):
        hint = "a playbook is a list: start each play with '- '" if isinstance(data, YamlMap) else "a playbook is a list of plays"
        reading.found.error(f"a list of plays was expected, found {shown(data)}", place_of(data, Span(path, 1, 1)), hint)
        return []
    plays: list[Play] = []
    for raw, span in zip(data, data.items_at, strict=True):
        if not isinstance(raw, YamlMap):
            reading.found.error(f"a play was expected, found {shown(raw)}", span, "a play is a mapping with hosts: and tasks:")
        elif any(key in raw for key in IMPORT_PLAYBOOK):
            plays += _imported(reading, raw, path, brought, stack)
        else:
            play = _play(reading, raw, span, path, brought)
            if play:
                plays.append(play)
    return plays


def _imported(reading: Reading, raw: YamlMap, path: str, brought: _Brought, stack: tuple[tuple[str, Span], ...]) -> list[Play]:
    key = next(key for key in IMPORT_PLAYBOOK if key in raw)
    for word in raw:
        if word != key and word not in legal(IMPORT):
            unknown_key(word, raw.keys_at[word], IMPORT, legal(IMPORT), reading.found)
    check_values(raw, legal(IMPORT), reading.found)
    value, span = raw[key], raw.values_at[key]
    if not isinstance(value, str):
        reading.found.error(f"import_playbook takes the path of a playbook, found {shown(value)}", span)
        return []
    base = os.path.dirname(path)
    place = Place(path, base, reading.options.modules, scopes=(brought.vars or {}, raw.get("vars") or {}))
    name = reading.static_text(value, span, place, "import_playbook")
    if name is None:
        return []
    tried = _playbook_paths(name, base, reading.options)
    file = first_file(tried)
    if file is None:
        message, hint = imports.missing("playbook", name, tried)
        reading.found.error(message, span, hint)
        return []
    chain = [entry for entry, _ in stack] + [path]
    if file in chain:
        way = " -> ".join([*chain[chain.index(file) :], file])
        reading.found.error(f"playbooks import each other in a circle: {way}", span, "take out one of the imports")
        return []
    given = raw.get("vars")
    merged = YamlMap({**(given or {}), **(brought.vars or {})}, span=span)
    below = _Brought(inherit(brought.shared, raw, variables=False), merged if merged else None)
    return _playbook_file(reading, file, below, (*stack, (path, span)))


def _playbook_paths(name: str, base: str, given: Options) -> list[str]:
    tried = [os.path.join(base, name)]
    if name.count(".") == 2 and "/" not in name and not name.endswith((".yml", ".yaml")):
        namespace, collection, playbook = name.split(".")
        roots = given.collection_roots(base)
        tried += [os.path.join(root, "ansible_collections", namespace, collection, "playbooks", playbook) for root in roots]
    return tried


def _play(reading: Reading, raw: YamlMap, span: Span, path: str, brought: _Brought) -> Play | None:
    found = reading.found
    known = reading.options.known
    if "hosts" not in raw:
        action = next((key for key in raw if isinstance(key, str) and key not in legal(PLAY) and canonical(key, known)), None)
        if action:
            hint = "put the tasks under a play:  - hosts: all  and below it  tasks:"
            found.error(f"a task ('{action}') stands where a play is expected", raw.keys_at[action], hint)
            return None
    check_keys(raw, PLAY, legal(PLAY), found)
    if raw.get("hosts") in (None, "", []):
        found.error("a play without hosts", raw.keys_at.get("hosts", span), "say where it runs:  hosts: all")
        return None
    base = os.path.dirname(path)
    shared = inherit(brought.shared, raw, variables=False)
    if raw.get("user") is not None and "remote_user" not in raw:
        shared = dataclasses.replace(shared, remote_user=located(raw, "user"))
    variables = raw["vars"] if isinstance(raw.get("vars"), YamlMap) else YamlMap(span=span)
    place = Place(path, base, known | library(base), scopes=(variables, brought.vars or {}))
    reading.roles, reading.handlers = [], []
    sections = _sections(reading, raw, span, shared, place)
    handlers = read_items(reading, raw.get("handlers"), shared, dataclasses.replace(place, handlers=True))
    keyword = {name: located(raw, name) for name in ("gather_facts", "gather_subset", "gather_timeout", "fact_path", "serial", "strategy")}
    further = {name: located(raw, name) for name in ("order", "max_fail_percentage", "force_handlers")}
    return Play(
        span=place_of(raw, span),
        file=path,
        name=located(raw, "name"),
        hosts=Located(raw["hosts"], raw.values_at["hosts"]),
        vars=variables,
        vars_files=each(raw, "vars_files"),
        vars_prompt=_prompts(reading, raw),
        sections=sections,
        handlers=(*reading.handlers, *handlers),
        roles=tuple(reading.roles),
        shared=shared,
        import_vars=brought.vars,
        **keyword,
        **further,
    )


def _sections(reading: Reading, raw: YamlMap, span: Span, shared: Shared, place: Place) -> tuple[Block, Block, Block]:
    def section(key: str) -> Block:
        return Block(raw.values_at.get(key, span), read_items(reading, raw.get(key), shared, place))

    before = section("pre_tasks")
    entries = raw.get("roles")
    blocks: list[Block] = []
    if isinstance(entries, YamlList):
        for entry, at in zip(entries, entries.items_at, strict=True):
            blocks += imports.role_entry(reading, entry, at, shared, place)
    own = section("tasks")
    return before, Block(own.span, (*blocks, *own.tasks)), section("post_tasks")


def _prompts(reading: Reading, raw: YamlMap) -> tuple[YamlMap, ...]:
    given = raw.get("vars_prompt")
    if not isinstance(given, YamlList):
        return ()
    prompts = [one for one in given if isinstance(one, YamlMap)]
    for one in prompts:
        for key in one:
            if key not in PROMPT:
                unknown_key(key, one.keys_at[key], "vars_prompt", PROMPT, reading.found)
        check_values(one, PROMPT, reading.found)
        if "name" not in one:
            reading.found.error("a prompt without a name", one.span, "name the variable:  name: ...")
    return tuple(prompts)


def variables_file(path: str, *, decrypt: Callable[[str, str], str] | None = None) -> YamlMap:
    """The variables in a file (vars_files, include_vars, group_vars), a mapping or several in a list; an empty file holds none. Raises
    PlaybookErrors."""
    reading = Reading(Options(frozenset(), decrypt=decrypt))
    data = reading.read(path)
    if isinstance(data, list) and data and all(isinstance(one, YamlMap) for one in data):
        data = _joined(data)
    if data is not None and not isinstance(data, YamlMap):
        reading.found.append(Diagnostic(f"a mapping of variables was expected, found {described(data)}", place_of(data, Span(path, 1, 1))))
    elif data is not None:
        check_names(data, reading.found)
    reading.found.raise_errors()
    return data if data is not None else YamlMap(span=Span(path))


def _joined(parts: Sequence[YamlMap]) -> YamlMap:
    """Mappings as one, in which later values count."""
    joined = YamlMap({key: value for part in parts for key, value in part.items()}, span=parts[0].span)
    joined.keys_at = {key: place for part in parts for key, place in part.keys_at.items()}
    joined.values_at = {key: place for part in parts for key, place in part.values_at.items()}
    return joined
