"""What is put in its place before there are hosts: import_tasks, import_role, the roles of a play and their dependencies."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

from nxtplay.core.resource import check_args
from nxtplay.errors import Span, did_you_mean
from nxtplay.playbook import roles, tasks
from nxtplay.playbook.findings import check_names, check_values, place_of, shown
from nxtplay.playbook.inherit import inherit, located
from nxtplay.playbook.keywords import ROLE, legal, templated
from nxtplay.playbook.lint_args import argument_place
from nxtplay.playbook.model import Block, Item, Located, Role, Shared, Task, YamlMap
from nxtplay.playbook.modules import Action
from nxtplay.playbook.reading import Place, Reading, first_file, library, searched
from nxtplay.playbook.words import ARGS

# argument of import_role/include_role -> the directory of the role it chooses a file of
FROM = {"tasks_from": "tasks", "vars_from": "vars", "defaults_from": "defaults", "handlers_from": "handlers"}
_DIRECTORIES = (
    "tasks handlers defaults vars meta library module_utils files templates filter_plugins test_plugins lookup_plugins action_plugins"
).split()


def task_files(name: str, place: Place) -> list[str]:
    """Where a file of tasks is looked for, in the order of preference."""
    if os.path.isabs(name):
        return [name]
    near = [os.path.dirname(place.file)]
    if place.role:
        near += [os.path.join(place.role.path, "tasks"), place.role.path]
        if place.handlers:
            near.insert(1, os.path.join(place.role.path, "handlers"))
    return [os.path.join(directory, name) for directory in (*near, os.path.join(place.base, "tasks"), place.base)]


def missing(what: str, name: str, tried: list[str]) -> tuple[str, str]:
    """Message and hint for a file that was not found."""
    return f"{what} '{name}' not found", not_found(name, tried)


def not_found(name: str, tried: list[str]) -> str:
    """A hint for a file that was not found: a neighbour with a similar name, and the places searched."""
    neighbours: set[str] = set()
    for path in tried:
        try:
            neighbours.update(os.listdir(os.path.dirname(path) or "."))
        except OSError:
            pass
    word = os.path.basename(name)
    stems = {os.path.splitext(neighbour)[0]: neighbour for neighbour in sorted(neighbours)} if "." not in word else {}
    near = f"did you mean '{stems[word]}'?" if word in stems else did_you_mean(word, neighbours | set(stems))
    return "; ".join(text for text in (near, searched(tried)) if text)


def expand(reading: Reading, raw: YamlMap, action: Action, shared: Shared, place: Place) -> Block | None:
    """An import_tasks or import_role task as the block it stands for."""
    what = action.module
    loops = next((key for key in raw if key == "loop" or str(key).startswith("with_")), None)
    if loops:
        hint = f"use {what.replace('import', 'include')}, which is decided host by host"
        reading.found.error(f"{what} cannot loop: it is resolved before there are hosts", raw.keys_at[loops], hint)
        return None
    wrong = check_args(ARGS[what], action.args, templated)
    for error in wrong:
        reading.found.error(f"{what}: {error.message}", argument_place(action.args, error, action.module_span), error.hint)
    if wrong:
        return None
    below = inherit(shared, raw)
    variables = raw.get("vars")
    inner = dataclasses.replace(place, scopes=(*place.scopes, variables)) if isinstance(variables, YamlMap) else place
    return _tasks_file(reading, raw, action, below, inner) if what == "import_tasks" else _role(reading, raw, action, below, inner)


def _tasks_file(reading: Reading, raw: YamlMap, action: Action, shared: Shared, place: Place) -> Block | None:
    value = action.args.get("file")
    span = action.args.values_at.get("file", action.module_span)
    name = reading.static_text(value, span, place, "import_tasks")
    if name is None:
        return None
    tried = task_files(name, place)
    path = first_file(tried)
    if path is None:
        message, hint = missing("file of tasks", name, tried)
        reading.found.error(message, span, hint)
        return None
    inner = enter(reading, path, span, place)
    if inner is None:
        return None
    items = tasks.read_tasks_file(reading, path, shared, inner)
    return Block(place_of(raw, span), items, name=located(raw, "name"))


def enter(reading: Reading, path: str, span: Span, place: Place) -> Place | None:
    """The place inside a file of tasks; None (reported with the way round) when the file is already being expanded."""
    for index, (file, _) in enumerate(place.stack):
        if file == path:
            way = [*place.stack[index + 1 :], (path, span)]
            notes = [(f"{file} is imported here", at) for file, at in way[:-1]]
            chain = " -> ".join([path, *(file for file, _ in way)])
            hint = "take out one of the imports, or use include_tasks with a condition that ends it"
            reading.found.error(f"files of tasks import each other in a circle: {chain}", span, hint, *notes)
            return None
    return dataclasses.replace(place, stack=(*place.stack, (path, span)), file=path)


def _role(reading: Reading, raw: YamlMap, action: Action, shared: Shared, place: Place) -> Block | None:
    args = action.args
    value = args.get("name", args.get("role"))
    span = args.values_at.get("name", args.values_at.get("role", action.module_span))
    name = reading.static_text(value, span, place, "import_role")
    files: dict[str, Located] = {}
    for key, kind in FROM.items():
        if args.get(key) is not None:
            text = reading.static_text(args[key], args.values_at[key], place, "import_role")
            files[kind] = Located(stem(text or "main"), args.values_at[key])
    if name is None:
        return None
    variables = raw.get("vars")  # for its tasks they are block variables: `shared` has them
    blocks = use_role(
        reading,
        name,
        span,
        shared,
        place,
        params=YamlMap(span=span),
        files=files,
        own={"vars": variables} if variables else None,
        public=_flag(reading, args, "public", place),
        allow_duplicates=_flag(reading, args, "allow_duplicates", place),
        validate=_flag(reading, args, "rolespec_validate", place),
    )
    return Block(place_of(raw, span), tuple(blocks), name=located(raw, "name"))


def stem(name: str) -> str:
    """The name of a file without the ending that may be left out."""
    return name.rsplit(".", 1)[0] if name.endswith((".yml", ".yaml", ".json")) else name


def _flag(reading: Reading, args: YamlMap, key: str, place: Place) -> bool:
    """A truth value among the arguments of import_role; true where it is not given."""
    value = None if args.get(key) is None else reading.static_text(args[key], args.values_at[key], place, "import_role")
    return value is None or roles.yes(value)


def role_entry(reading: Reading, raw: Any, span: Span, shared: Shared, place: Place, *, public: bool = True) -> list[Block]:
    """An entry of `roles:` or of a role's dependencies: the blocks of what it depends on, then its own."""
    found = reading.found
    if isinstance(raw, str):
        raw_map = YamlMap({"role": raw}, span=span)
        raw_map.keys_at = raw_map.values_at = {"role": span}
    elif isinstance(raw, YamlMap):
        raw_map = raw
    else:
        found.error(f"a role was expected, found {shown(raw)}", span, "write its name, or  role: NAME  with keywords")
        return []
    keywords = legal(ROLE)
    check_values(raw_map, keywords, found)
    key = "role" if "role" in raw_map else "name"
    if not isinstance(raw_map.get(key), (str, int)):
        near = next((did_you_mean(str(k), ("role", "name")) for k in raw_map if did_you_mean(str(k), ("role", "name"))), "")
        found.error("a role entry without a role", span, near or "write  role: NAME")
        return []
    params = YamlMap(span=raw_map.span)
    for word, value in raw_map.items():
        if word in keywords:
            continue
        params[word] = value
        params.keys_at[word], params.values_at[word] = raw_map.keys_at[word], raw_map.values_at[word]
    check_names(params, found)
    name = reading.static_text(raw_map[key], raw_map.values_at[key], place, "roles")
    if name is None:
        return []
    below = inherit(shared, raw_map)
    own = {word: raw_map[word] for word in ("when", "tags", "vars") if word in raw_map}
    if isinstance(raw_map.get("vars"), YamlMap):
        place = dataclasses.replace(place, scopes=(*place.scopes, raw_map["vars"]))
    return use_role(reading, name, raw_map.values_at[key], below, place, params=params, files={}, own=own, public=public)


def use_role(
    reading: Reading,
    name: str,
    span: Span,
    shared: Shared,
    place: Place,
    *,
    params: YamlMap,
    files: Mapping[str, Located],
    own: dict[str, Any] | None = None,
    public: bool = True,
    allow_duplicates: bool | None = None,
    validate: bool = True,
) -> list[Block]:
    """One use of a role: a block for each dependency, deepest first, then the role's own. Its handlers join the play's."""
    path = roles.find(name, span, place, reading, shared.collections)
    if path is None:
        return []
    names = {kind: one.value for kind, one in files.items()}
    key = os.path.join(path, "tasks", names.get("tasks", "main"))
    inner = _enter_role(reading, name, path, key, span, place)
    if inner is None:
        return []
    role, entries = roles.read_role(
        reading,
        name,
        path,
        span,
        params=params,
        parents=(place.role, *place.role.parents) if place.role else (),
        files=files,
        identity=repr((os.path.abspath(path), names, sorted(params.items(), key=lambda pair: str(pair[0])), own)),
        public=public,
        allow_duplicates=allow_duplicates,
    )
    shared = dataclasses.replace(shared, collections=(*role.collections, *shared.collections))
    scopes = (role.defaults, *place.scopes, role.vars, params)
    known = place.known | library(path)
    reading.brought |= library(path)
    blocks: list[Block] = []
    within = dataclasses.replace(inner, role=role, scopes=scopes, known=known)
    dependencies: list[Role] = []
    for entry, entry_span in zip(entries, entries.items_at, strict=True):
        theirs = role_entry(reading, entry, entry_span, shared, within, public=public)
        dependencies += [block.role for block in theirs if block.role]
        blocks += theirs
    role = dataclasses.replace(role, dependencies=tuple(dependencies))
    within = dataclasses.replace(within, role=role)
    reading.roles.append(role)
    _role_handlers(reading, role, files, shared, within)
    items = _role_tasks(reading, role, files, shared, within, span)
    if validate:
        items = (*_validation(role, shared, span, params if own is not None else YamlMap()), *items)
    blocks.append(Block(span, items, name=Located(name, span), role=role))
    return blocks


def _validation(role: Role, shared: Shared, span: Span, params: YamlMap) -> list[Task]:
    """The task before a role's own that holds its arguments against its specification, where it has one.

    `params` are the extra keys of its entry: the specification has to know each of them."""
    spec = role.argument_specs.get(role.tasks_from) if role.argument_specs else None
    if not isinstance(spec, YamlMap):
        return []
    about = f" - {spec['short_description']}" if spec.get("short_description") else ""
    context = {"type": "role", "name": role.name, "argument_spec_name": role.tasks_from, "path": role.path}
    args = YamlMap({"argument_spec": YamlMap(), "provided_arguments": params, "validate_args_context": context}, span=span)
    return [
        Task(
            span=span,
            module="validate_argument_spec",
            module_span=span,
            args=args,
            name=Located(f"Validating arguments against arg spec '{role.tasks_from}'{about}", span),
            shared=dataclasses.replace(shared, tags=shared.tags | {"always"}, notify=()),
            role=role,
            block_vars=len(shared.vars),
            file=span.file,
        )
    ]


def _enter_role(reading: Reading, name: str, path: str, key: str, span: Span, place: Place) -> Place | None:
    """The place inside a role; None (reported) when the same tasks of the role are already being expanded."""
    for index, (file, _) in enumerate(place.stack):
        if file == key:
            way = [entry for entry in place.stack[index:] if os.path.basename(os.path.dirname(entry[0])) == "tasks"]
            names = [os.path.basename(os.path.dirname(os.path.dirname(file))) for file, _ in way]
            notes = [(f"role '{name}' is asked for here", at) for name, (_, at) in zip(names[1:], way[1:], strict=True)]
            chain = " -> ".join([*names, os.path.basename(path)])
            hint = "take out one of these dependencies or imports"
            reading.found.error(f"roles need each other in a circle: {chain}", span, hint, *notes)
            return None
    return dataclasses.replace(place, stack=(*place.stack, (key, span)), file=os.path.join(path, "tasks", "main.yml"))


def _file_of(reading: Reading, role: Role, kind: str, files: Mapping[str, Located]) -> str | None:
    """The file of tasks or handlers that a use of a role takes; one asked for by name must be there."""
    asked = files.get(kind)
    path = os.path.join(role.path, kind, asked.value if asked else "main")
    found = first_file([path])
    if found is None and asked:
        hint = not_found(asked.value, [path + ".yml"])
        reading.found.error(f"role '{role.name}' has no {kind} file '{asked.value}'", asked.span, hint)
    return found


def _role_tasks(reading: Reading, role: Role, files: Mapping[str, Located], shared: Shared, place: Place, span: Span) -> tuple[Item, ...]:
    path = _file_of(reading, role, "tasks", files)
    if path is None:
        if not any(os.path.isdir(os.path.join(role.path, kind)) for kind in _DIRECTORIES):
            reading.found.error(f"{role.path} is not a role: it has no tasks/main.yml", span)
        return ()
    return tasks.read_tasks_file(reading, path, shared, dataclasses.replace(place, handlers=False))


def _role_handlers(reading: Reading, role: Role, files: Mapping[str, Located], shared: Shared, place: Place) -> None:
    path = _file_of(reading, role, "handlers", files)
    if path is not None:
        reading.handlers.extend(tasks.read_tasks_file(reading, path, shared, dataclasses.replace(place, handlers=True)))
