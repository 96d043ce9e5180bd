"""Roles: where they are found and what their directories hold besides tasks."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from nxtplay.errors import Span, did_you_mean
from nxtplay.playbook import collections, specification
from nxtplay.playbook.findings import check_names, shown
from nxtplay.playbook.foreign import is_foreign
from nxtplay.playbook.inherit import words
from nxtplay.playbook.model import Located, Role, YamlList, YamlMap
from nxtplay.playbook.modules import COLLECTIONS
from nxtplay.playbook.reading import Options, Place, Reading, first_file, modules_in, searched
from nxtplay.playbook.search import collection_roots
from nxtplay.template import routing
from nxtplay.template.messages import described
from nxtplay.template.routing import Route

META = frozenset(("dependencies", "allow_duplicates", "galaxy_info", "argument_specs", "collections", "standalone"))


def yes(value: Any) -> bool:
    """Whether a word of a file stands for true."""
    return str(value).lower() in ("true", "yes", "1", "on")


def candidates(name: str, place: Place, options: Options, collections: Sequence[str] = ()) -> list[str]:
    """The directories a role of this name may be, in the order of preference: in the collection of the role that asks, in
    `collections`, then where roles lie."""
    if os.path.isabs(name):
        return [name]
    roots = options.collection_roots(place.base)
    if name.count(".") >= 2 and "/" not in name:  # of a collection by its full name; else a role whose own name has dots
        namespace, of, *role = name.split(".")
        found = [_in_collection(root, f"{namespace}.{of}", os.path.join(*role)) for root in roots]
    else:
        own = _COLLECTION.match(place.role.path) if place.role else None
        found = [os.path.join(own[0], name)] if own else []
        found += [_in_collection(root, collection, name) for collection in collections if collection.count(".") == 1 for root in roots]
    roots = [os.path.join(place.base, "roles"), *options.roles_path]
    if place.role:
        roots.append(os.path.dirname(place.role.path))
    return found + [os.path.join(root, name) for root in [*roots, place.base]]


_COLLECTION = re.compile(r".*/ansible_collections/([^/]+)/([^/]+)/roles(?=/)", re.DOTALL)


def _in_collection(root: str, collection: str, role: str) -> str:
    return os.path.join(root, "ansible_collections", *collection.split("."), "roles", role)


def collection_of(path: str) -> str:
    """The collection that a role's directory belongs to; empty for none."""
    found = _COLLECTION.match(path)
    return f"{found[1]}.{found[2]}" if found else ""


def of_collections(word: str, place: Place, options: Options, collections: Sequence[str]) -> bool:
    """Whether a short name may mean a module, not here, of the collection that the role lies in, or of one that `collections` names."""
    own = _COLLECTION.match(place.role.path) if place.role else None
    if own and word in modules_in(os.path.join(os.path.dirname(own[0]), "plugins", "modules")):
        return True
    roots = options.collection_roots(place.base)
    for collection in collections:
        homes = [os.path.join(root, "ansible_collections", *collection.split(".")) for root in roots]
        installed = [os.path.join(home, "plugins", "modules") for home in homes if os.path.isdir(home)]
        if any(word in modules_in(folder) for folder in installed):
            return True
        if not installed and is_foreign(f"{collection}.{word}", place.known, COLLECTIONS):
            return True
    return False


def routes(word: str, place: Place, options: Options, of: Sequence[str]) -> list[Route]:
    """Where a word may lead to as a module of an installed collection: named in full, or of one of the collections `of`, of that which
    the role lies in, or of Ansible's own once."""
    own = collection_of(place.role.path) if place.role else ""
    roots = collection_roots(place.role, options.collection_roots(place.base))
    builtin, _, short = word.rpartition(".")
    full = "." in word and builtin not in ("ansible.builtin", "ansible.legacy")
    names = [word] if full else [f"{one}.{short}" for one in dict.fromkeys([*filter(None, [own]), *of]) if not builtin]
    once = None if full else routing.former("modules", short, roots)
    return [routing.route("modules", name, roots) for name in [*names, *([once] if once else [])]]


def installed(word: str, place: Place, options: Options, of: Sequence[str]) -> dict[str, collections.Program]:
    """The modules of installed collections that a word may mean, by their full names; see `routes`."""
    roots = collection_roots(place.role, options.collection_roots(place.base))
    names = [one.name for one in routes(word, place, options, of) if not one.gone]
    return {name: found for name in names if (found := _runs(name, roots))}


def _runs(name: str, roots: Sequence[str]) -> collections.Program | None:
    """What a full name runs: the action plugin of that name, else the module."""
    plugin = collections.action(routing.route("action", name, roots).name, roots)
    return collections.Program(plugin) if plugin else collections.module(name, roots)


def find(name: str, span: Span, place: Place, reading: Reading, collections: Sequence[str] = ()) -> str | None:
    """The directory of a role; a missing one is reported with the places searched, as a warning where it may never be asked for."""
    tried = candidates(name, place, reading.options, collections)
    for path in tried:
        if os.path.isdir(path):
            return os.path.normpath(path)
    siblings = {entry for path in tried for entry in _directories(os.path.dirname(path))}
    hint = "; ".join(text for text in (did_you_mean(os.path.basename(name), siblings), searched(tried)) if text)
    (reading.found.warning if place.maybe else reading.found.error)(f"role '{name}' not found", span, hint)
    return None


def _directories(path: str) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(path or ".") if entry.is_dir()]
    except OSError:
        return []


def variables(reading: Reading, role_path: str, kind: str, asked: Located | None) -> YamlMap:
    """`defaults` or `vars` of a role: the file asked for or main, or a directory whose files are merged in alphabetical order."""
    directory = os.path.join(role_path, kind, asked.value if asked else "main")
    merged = YamlMap(span=Span(directory))
    if os.path.isdir(directory):
        names = sorted(name for name in os.listdir(directory) if name.endswith((".yml", ".yaml", ".json")))
        files = [os.path.normpath(os.path.join(directory, name)) for name in names]
    else:
        file = first_file([directory])
        files = [file] if file else []
    if not files and asked:
        reading.found.error(f"the role has no {kind} file '{asked.value}'", asked.span, searched([directory + ".yml"]))
    for file in files:
        data = reading.read(file)
        if data is None:
            continue
        if not isinstance(data, YamlMap):
            reading.found.error(f"a mapping of variables was expected, found {described(data)}", _start(data, file), "write  name: value")
            continue
        check_names(data, reading.found)
        merged.update(data)
        merged.keys_at.update(data.keys_at)
        merged.values_at.update(data.values_at)
        merged.span = data.span
    return merged


def meta(reading: Reading, role_path: str) -> YamlMap:
    """`meta/main` of a role."""
    file = first_file([os.path.join(role_path, "meta", "main")])
    data = reading.read(file) if file else None
    if data is None:
        return YamlMap(span=Span(role_path))
    if not isinstance(data, YamlMap):
        reading.found.error(f"meta/main holds a mapping, found {shown(data)}", _start(data, file or role_path))
        return YamlMap(span=Span(role_path))
    for key in data:
        if key not in META:
            hint = did_you_mean(str(key), META) or "known keys: " + ", ".join(sorted(META))
            reading.found.error(f"'{key}' is not a key of meta/main", data.keys_at[key], hint)
    given = data.get("dependencies")
    if given is not None and not isinstance(given, YamlList):
        reading.found.error(f"'dependencies' takes a list of roles, found {shown(given)}", data.values_at["dependencies"])
    return data


def argument_specs(reading: Reading, role_path: str, from_meta: YamlMap) -> YamlMap | None:
    """What a role says about its arguments: entry point -> specification."""
    file = first_file([os.path.join(role_path, "meta", "argument_specs")])
    data: Any = reading.read(file) if file else None
    specs = data.get("argument_specs") if isinstance(data, YamlMap) else from_meta.get("argument_specs")
    if not isinstance(specs, YamlMap):
        return None
    if id(specs) not in reading.checked:  # a role that is used often is told once
        reading.checked[id(specs)] = specs
        specification.check(specs, reading.found)
    return specs


def read_role(
    reading: Reading,
    name: str,
    path: str,
    span: Span,
    *,
    params: YamlMap,
    parents: tuple[Role, ...],
    files: Mapping[str, Located],
    identity: str,
    public: bool = True,
    allow_duplicates: bool | None = None,
) -> tuple[Role, YamlList]:
    """A role without its tasks, and the entries of its dependencies. `files` says which of its files to take: {"vars": "special"};
    `allow_duplicates` outweighs what the role itself says."""
    about = meta(reading, path)
    given = about.get("dependencies")
    role = Role(
        name=name,
        path=path,
        span=span,
        defaults=variables(reading, path, "defaults", files.get("defaults")),
        vars=variables(reading, path, "vars", files.get("vars")),
        params=params,
        parents=parents,
        allow_duplicates=yes(about.get("allow_duplicates", False)) if allow_duplicates is None else allow_duplicates,
        public=public,
        argument_specs=argument_specs(reading, path, about),
        tasks_from=files["tasks"].value if "tasks" in files else "main",
        identity=identity,
        collections=tuple(str(one.value) for one in words(about, "collections")),
    )
    return role, given if isinstance(given, YamlList) else YamlList()


def _start(data: Any, file: str) -> Span:
    return getattr(data, "span", None) or Span(file, 1, 1)
