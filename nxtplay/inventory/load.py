"""Inventory sources to an Inventory: files, directories, scripts, lists of hosts; several of them."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nxtplay.errors import Diagnostic, InventoryError, Span
from nxtplay.inventory import constructed, generator, ini, script, tomlfile, yamlfile
from nxtplay.inventory.check import check
from nxtplay.inventory.draft import Draft
from nxtplay.inventory.model import Inventory, VarsDirectories
from nxtplay.inventory.names import with_port
from nxtplay.opening import opened
from nxtplay.variables.files import VarsDirectory

if TYPE_CHECKING:
    from nxtplay.template.render import Templates

Read = Callable[[str], Any]
_PASSED_OVER = (".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry", ".j2")
_YAML = (".yml", ".yaml", ".json")


def load(
    sources: Sequence[str],
    *,
    read: Read,
    read_variables: Read | None = None,
    playbook_dir: str | None = None,
    templates: Templates | None = None,
    extra_vars: Mapping[str, Any] | None = None,
    decrypt: Callable[[str, str], str] | None = None,
    merge: bool = False,
    lenient: bool = False,
    one_at_least: bool = False,
    valid_names: bool = False,
) -> Inventory:
    """The inventory that the sources give together; a later one adds to and overrides an earlier one.

    A source is a file (INI, YAML, TOML), a directory of sources, a program, or hosts separated by commas (`web1,web2,`). `read(path)` gives
    the value of a YAML file with places, `read_variables` that of a variables file where that differs. group_vars and host_vars are
    looked for beside every source and in `playbook_dir`; `templates` evaluates what a constructed inventory holds, which may
    ask for `extra_vars`. `decrypt(text, path)` opens a file that is a vault. `merge`: mappings of one name are one
    (hash_behaviour). No sources: this machine alone.
    `lenient`: a source that cannot be read is a warning, of all of them (`one_at_least`) an error again. `valid_names`: those of groups are
    made fit for variables.
    Raises InventoryError.
    """
    of_variables = read_variables or read
    beside = [_directory_of(source) for source in sources]
    inventory_dirs = [_vars_directories(path, of_variables) for path in dict.fromkeys(path for path in beside if path)]
    same = {pair.groups.path for pair in inventory_dirs}
    playbook = [] if playbook_dir is None else [_vars_directories(os.path.abspath(playbook_dir), of_variables)]
    reader = _Reader(read, templates, inventory_dirs, extra_vars or {}, decrypt)

    def draft_of() -> Draft:
        draft = Draft(merge=merge, valid_names=valid_names)
        failed = []
        for source in sources:
            try:
                _source(source, draft, reader, top=True)
            except InventoryError as error:
                failed.append(error)
                if not lenient or (one_at_least and len(failed) == len(sources)):
                    raise
                draft.warnings += [replace(found, severity="warning") for found in error.diagnostics]
        draft.close()
        return draft

    draft = draft_of()
    last = next((source for source in reversed(sources) if not _is_list(source)), None)
    inventory = Inventory(
        draft,
        sources=[source if _is_list(source) else os.path.abspath(source) for source in sources],
        inventory_dirs=inventory_dirs,
        playbook_dirs=[pair for pair in playbook if pair.groups.path not in same],
        reload=draft_of,
        directory=_directory_of(last) if last else None,
        file=os.path.abspath(last) if last else None,
    )
    inventory.warnings = (*draft.warnings, *check(inventory, [*inventory_dirs, *playbook]))
    return inventory


def _vars_directories(base: str, read: Read) -> VarsDirectories:
    groups, hosts = (VarsDirectory(os.path.join(base, name), read=read) for name in ("group_vars", "host_vars"))
    return VarsDirectories(groups, hosts)


def _is_list(source: str) -> bool:
    """Whether a source names hosts; a path may hold commas, too."""
    return "," in source and not os.path.exists(source)


def _directory_of(source: str) -> str | None:
    if _is_list(source):
        return None
    path = os.path.abspath(source)
    return path if os.path.isdir(path) else os.path.dirname(path)


@dataclass(frozen=True)
class _Reader:
    """What reading sources takes."""

    read: Read
    templates: Templates | None
    directories: Sequence[VarsDirectories]
    extra_vars: Mapping[str, Any]
    decrypt: Callable[[str, str], str] | None = None


def _source(source: str, draft: Draft, reader: _Reader, *, top: bool) -> None:
    if top and _is_list(source):
        for written in source.split(","):
            if written.strip():
                name, port = with_port(written.strip())
                host = draft.host(name)
                draft.groups["ungrouped"].hosts[name] = None
                if port is not None:
                    host.variables.put("ansible_port", port, None)
        return
    if not os.path.exists(source):
        hint = f"for a host by that name write -i {source}," if top and re.fullmatch(r"[\w.-]+", source) else ""
        raise InventoryError(Diagnostic(f"there is no inventory '{source}'", hint=hint))
    if os.path.isdir(source):
        for entry in sorted(os.listdir(source)):
            if entry.startswith(".") or entry.endswith(_PASSED_OVER) or entry in ("group_vars", "host_vars", "vars_plugins"):
                continue
            _source(os.path.join(source, entry), draft, reader, top=False)
        return
    _file(source, draft, reader)


def _file(path: str, draft: Draft, reader: _Reader) -> None:
    extension = os.path.splitext(path)[1]
    if os.access(path, os.X_OK) and extension not in (*_YAML, ".ini") and _is_program(path):
        script.fill(path, draft)
        return
    if extension in _YAML:
        _yaml(path, draft, reader)
        return
    text = _text(path)
    closed = text.startswith("$ANSIBLE_VAULT;")
    text = reader.decrypt(text, path) if closed and reader.decrypt else text
    if extension == ".toml":
        tomlfile.fill(text, path, draft)
    elif (closed and not reader.decrypt) or (extension != ".ini" and _looks_like_yaml(text)):
        _yaml(path, draft, reader)
    else:
        ini.parse(text, path, draft)


def _yaml(path: str, draft: Draft, reader: _Reader) -> None:
    data = reader.read(path)
    if isinstance(data, dict) and "plugin" in data:
        name = str(data["plugin"])
        around = constructed.Surroundings(reader.directories, reader.extra_vars)
        if name in ("constructed", "ansible.builtin.constructed"):
            constructed.fill(data, path, draft, reader.templates, around)
            return
        if name in ("docker_containers", "community.docker.docker_containers"):
            from nxtplay.inventory import docker_containers  # what it needs is not needed by others

            docker_containers.fill(data, path, draft, reader.templates, around)
            return
        if name in ("generator", "ansible.builtin.generator"):
            generator.fill(data, path, draft, reader.templates)
            return
        raise InventoryError(
            Diagnostic(
                f"the inventory plugin '{name}' is not supported", Span(path, 1, 1), "use a script that prints the hosts as JSON (--list)"
            )
        )
    yamlfile.fill(data, path, draft)


def _is_program(path: str) -> bool:
    with opened(path) as stream:
        start = stream.read(4)
    return start[:2] == b"#!" or start == b"\x7fELF"


def _text(path: str) -> str:
    try:
        with io.TextIOWrapper(opened(path), encoding="utf-8-sig") as stream:
            return stream.read()
    except UnicodeDecodeError:
        raise InventoryError(Diagnostic("the inventory is not UTF-8 text", Span(path))) from None
    except OSError as error:
        raise InventoryError(Diagnostic(f"cannot read the inventory {path}: {(error.strerror or str(error)).lower()}")) from None


def _looks_like_yaml(text: str) -> bool:
    for line in text.splitlines():
        if line.strip() and line.lstrip()[0] not in "#;":
            return line.startswith("---") or line[0] == "{" or re.match(r"[\w.-]+:\s*(#.*|\{.*)?$", line) is not None
    return False
