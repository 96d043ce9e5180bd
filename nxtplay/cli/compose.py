"""Builds what a run needs, once, and runs it. Here and nowhere else rooms are put together."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from nxtplay.cli import playbooks, retry, secrets
from nxtplay.cli.configuration import Config
from nxtplay.cli.constants import constants
from nxtplay.cli.extra import extra_vars
from nxtplay.cli.reporters import Output, reporting
from nxtplay.cli.run import Asked
from nxtplay.engine.options import Options
from nxtplay.errors import Diagnostic, NxtplayError, PlaybookErrors, UsageError, did_you_mean
from nxtplay.events import Counts, Emit, Notice, Recap
from nxtplay.report.masking import Masker

if TYPE_CHECKING:
    from nxtplay.engine.run import Run
    from nxtplay.engine.scopes import Scopes
    from nxtplay.inventory.model import Inventory
    from nxtplay.playbook.model import Play, Playbook
    from nxtplay.template.render import Templates

CHANGES_FORESEEN, UNKNOWNS_MET = 3, 6
ROLES = ("~/.ansible/roles", "/usr/share/ansible/roles", "/etc/ansible/roles")
COLLECTIONS = ("~/.ansible/collections", "/usr/share/ansible/collections")
TYPED = "(command line)"  # where messages place a task that is in no file
INVENTORIES = ("inventory/local.yml", "inventory.yml", "inventory.yaml", "inventory.ini", "inventory")


@dataclass(frozen=True)
class Ground:
    """What every command that looks at playbooks or hosts stands on. `decrypt(text, where)` opens vault text."""

    options: Options
    masker: Masker
    templates: Templates
    inventory: Inventory
    config: Config
    decrypt: Callable[[str, str], str]
    read: Callable[[str], Any]  # a variables file, as it is


def play(asked: Asked) -> int:
    """Carry out a command line; the exit code."""
    from nxtplay.cli.app import tell

    paths = [os.path.join(asked.folder, TYPED)] if asked.typed else [playbooks.find(word) for word in asked.playbooks]
    masker = Masker()
    try:
        ground = lay(asked, masker, playbook_dir=os.path.dirname(paths[0]) or ".")
        _limited(ground)
        playbook, given = read(paths, ground, {paths[0]: asked.typed} if asked.typed else {})
        warnings = [*ground.config.warnings, *findings(playbook, ground, given)]
        if asked.listing:
            for finding in warnings:
                tell(NxtplayError(finding), masker.text)
            return _tell_instead(playbook, asked, ground, given)
        options = ground.options
        asked_for = {"verbosity": options.verbosity, "diff": options.diff, "json": asked.json, "junit": asked.junit, "html": asked.html}
        name = os.path.splitext(os.path.basename(paths[0]))[0]
        asked_for["tree"] = asked.tree
        output = Output.of(asked.config, **asked_for, form=asked.results, name=name)
        with reporting(masker, output) as audience:
            for finding in warnings:
                audience.emit(Notice("warning", finding.message, finding.span, hint=finding.hint))
            ask = audience.ask if sys.stdin is not None and sys.stdin.isatty() else None
            recap = engine(playbook, ground, given, audience.emit, ask).run()
            if asked.config.get("retry_files_enabled"):
                retry.write(recap, paths[0], asked.config.get("retry_files_save_path"), audience.emit)
        return exit_code(recap, wanted=asked.exit_code and options.check)
    except NxtplayError as error:
        tell(error, masker.text)
        return error.exit_code


def exit_code(recap: Recap, *, wanted: bool) -> int:
    """The engine's; with `wanted`, a good check tells by it what it foresaw."""
    if recap.exit_code or not wanted:
        return recap.exit_code
    counts: Sequence[Counts] = list(recap.hosts.values())
    if any(count.unknown for count in counts):
        return UNKNOWNS_MET
    return CHANGES_FORESEEN if any(count.changed for count in counts) else 0


def lay(asked: Asked, masker: Masker, *, playbook_dir: str) -> Ground:
    """Passwords, vault, extra variables, templates, inventory: in the order in which each needs the one before."""
    from nxtplay.inventory.load import load as load_inventory
    from nxtplay.playbook import source
    from nxtplay.playbook.load import variables_file
    from nxtplay.template.render import Templates
    from nxtplay.variables import files
    from nxtplay.variables.vault import Vault

    asking = secrets.ask if asked.ask_vault_password else None
    vault = Vault.open(asked.vault_ids, asked.vault_password_files, ask=asking, **secrets.labels(asked.config))
    config = replace(asked.config, warnings=(*asked.config.warnings, *vault.warnings))

    def decrypt(text: str, where: str) -> str:
        plain = vault.decrypt(text, where)
        for secret in _values_in(plain, where):
            masker.register(secret)
        return plain

    def read_file(path: str) -> Any:
        return variables_file(path, decrypt=decrypt)

    extra = extra_vars(asked.extra_vars, lambda path: files.load_file(path, read=read_file))
    password, become_password = _passwords(asked, masker)
    options = replace(asked.options, extra_vars=extra, password=password, become_password=become_password)
    options = replace(options, config_file=os.path.abspath(asked.config.file) if asked.config.file else "")
    settings = constants(asked.config)
    templates = Templates(decrypt=vault.decrypt, settings=settings, on_secret=masker.register, may_write=not options.check)
    inventory = load_inventory(
        _sources(asked.inventories),
        read=lambda path: source.read(path, decrypt=decrypt),  # its keys are groups and hosts, not variables
        read_variables=read_file,
        playbook_dir=playbook_dir,
        templates=templates,
        extra_vars=extra,
        decrypt=decrypt,
        merge=options.merge,
        lenient=not asked.config.get("inventory_any_unparsed_is_failed", True),
        one_at_least=asked.config.get("inventory_unparsed_is_failed", False),
        valid_names=asked.config.get("force_valid_group_names") in ("always", "silently"),
    )
    templates.match_hosts = inventory.match
    return Ground(options, masker, templates, inventory, config, decrypt, read_file)


def _limited(ground: Ground) -> None:
    """--limit has to leave somebody."""
    limit = ground.options.limit
    if limit and not ground.inventory.match("all", limit) and not ground.inventory.match(limit):
        names = [*ground.inventory.hosts, *ground.inventory.magic_groups()]
        hint = did_you_mean(limit, names) or f"there are: {', '.join(list(ground.inventory.hosts)[:12]) or 'localhost'}"
        raise UsageError(Diagnostic(f"--limit '{limit}' leaves no host", hint=hint))


def known_host(ground: Ground, name: str) -> str:
    """A host of the inventory. Raises UsageError with what is near."""
    if name not in ground.inventory:
        names = list(ground.inventory.hosts)
        hint = did_you_mean(name, names) or f"there are: {', '.join(names[:12]) or 'localhost'}"
        raise UsageError(Diagnostic(f"the inventory has no host '{name}'", hint=hint))
    return name


def _values_in(text: str, where: str) -> Iterator[str]:
    """The values of a variables file that was a vault: all of them count as secrets."""
    from nxtplay.playbook.source import parse

    try:
        waiting = [parse(text, where)]
    except NxtplayError:  # no YAML: a file to copy; or it is told by whoever reads it
        return
    if not isinstance(waiting[0], dict):
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, (dict, list)):
            waiting += value.values() if isinstance(value, dict) else value
        elif isinstance(value, str) or (isinstance(value, int) and abs(value) >= 100_000):
            yield str(value)


def _passwords(asked: Asked, masker: Masker) -> tuple[str | None, str | None]:
    """The connection's and the one to become another user."""
    password = secrets.password("password of the connection", asked.password_file, wanted=asked.ask_password)
    shown = f"password to become {asked.options.become_user or 'root'}" + (" (Enter: the same)" if password else "")
    become = secrets.password(shown, asked.become_password_file, wanted=asked.ask_become_password) or (
        password if asked.ask_become_password else None
    )
    for secret in (password, become):
        if secret:
            masker.register(secret)
    return password, become


def _sources(given: Sequence[str]) -> list[str]:
    """The inventory's sources: as asked, or what lies here; none: this machine alone."""
    if given:
        return list(given)
    return [name for name in INVENTORIES if os.path.exists(name)][:1]


def read(paths: Sequence[str], ground: Ground, typed: Mapping[str, str] | None = None) -> tuple[Playbook, Any]:
    """The playbooks as far as they can be read, faults among their warnings, and what includes are later loaded with. `typed`: the
    texts of those that are in no file."""
    from nxtplay.playbook import load

    def render(text: str, variables: Any) -> Any:
        return ground.templates.render(text, variables)

    faults = _plugins(paths, ground.config)
    collections = _collections_path(ground.config)
    common: dict[str, Any] = {
        "extra_vars": ground.options.extra_vars,
        "render_static": render,
        "decrypt": ground.decrypt,
        "roles_path": _roles_path(ground.config),
        "collections_path": collections,
        "module_paths": (*ground.options.module_paths, *ground.options.action_paths),
    }
    _collections([*_beside(paths, "collections"), *collections])
    playbook = load.load(paths, faulty=True, typed=typed or {}, **common)
    _plugins_of_roles(playbook, paths)
    of_roles = (*_of_roles(playbook, "library"), *_of_roles(playbook, "action_plugins"))
    common["module_paths"] = (*common["module_paths"], *of_roles)
    return replace(playbook, warnings=(*faults, *playbook.warnings)), load.options(**common)


def _of_roles(playbook: Playbook, folder: str) -> list[str]:
    """That folder of the roles that plays use: what one of them brings, later tasks of others find."""
    roles = dict.fromkeys(role.path for play in playbook.plays for role in play.roles)
    return [found for role in roles if os.path.isdir(found := os.path.join(role, folder))]


def _collections(roots: Sequence[str]) -> None:
    """The plugins of installed collections can be asked for by their full names."""
    roots = [os.path.abspath(root) for root in roots if os.path.isdir(os.path.join(root, "ansible_collections"))]
    if roots:
        from nxtplay.template import plugins

        plugins.search(roots)


def _collections_path(config: Config) -> tuple[str, ...]:
    """Folders that hold an `ansible_collections`, which may itself be named."""
    found = config.get("collections_path", tuple(map(os.path.expanduser, COLLECTIONS)))
    return tuple(path.rstrip("/").removesuffix("/ansible_collections") or "/" for path in found)


def _beside(paths: Sequence[str], folder: str) -> list[str]:
    """A folder of that name beside each of the playbooks."""
    return [os.path.join(place, folder) for place in _places(paths)]


def _roles_path(config: Config) -> Sequence[str]:
    found: Sequence[str] = config.get("roles_path", tuple(map(os.path.expanduser, ROLES)))
    return found


def _plugins(paths: Sequence[str], config: Config) -> list[Diagnostic]:
    """Filters, tests and lookups: the configured ones, those beside the playbooks, those of roles that lie here. Gives warnings.

    Which of the roles are used is not known yet: what they bring replaces nothing (`_plugins_of_roles`).
    """
    from nxtplay.template import plugins

    faults = [
        fault for kind in plugins.FOLDERS for folder in config.get(f"{kind}_plugins", ()) for fault in plugins.load_folder(kind, folder)
    ]
    roots = (*(os.path.join(place, "roles") for place in _places(paths)), *_roles_path(config))
    roles = [role for root in roots for role in sorted(glob.glob(os.path.join(glob.escape(root), "*")))]
    return [*faults, *plugins.load(_places(paths)), *plugins.load(roles, over=False)]


def _plugins_of_roles(playbook: Playbook, paths: Sequence[str]) -> None:
    """Plugins of the roles that plays use replace built-in ones of the same name; those beside the playbook replace theirs."""
    from nxtplay.template import plugins

    roles = dict.fromkeys(role.path for play in playbook.plays for role in play.roles)
    if any(os.path.isdir(os.path.join(role, folder)) for role in roles for folder in plugins.FOLDERS.values()):
        plugins.load([*roles, *_places(paths)])


def _places(paths: Sequence[str]) -> list[str]:
    """The folders of the playbooks."""
    return list(dict.fromkeys(os.path.dirname(os.path.abspath(path)) for path in paths))


def findings(playbook: Playbook, ground: Ground, given: Any, *, advice: bool = False) -> list[Diagnostic]:
    """The warnings, and `advice` where it is asked for; raises PlaybookErrors with everything when something is wrong."""
    from nxtplay.playbook import lint

    @cache
    def with_extra(names: frozenset[str]) -> frozenset[str]:
        return names.union(ground.options.extra_vars)

    known = scopes(playbook, ground, given, ground.options)

    def names_for_host(play: Play) -> dict[str, frozenset[str]]:
        kept = ground.options.fact_cache
        return {
            host: with_extra(ground.inventory.names(host) | (kept.names(host) if kept else frozenset()))
            for host in hosts_of(play, ground, known)
        }

    heard = ground.options.error_on_missing_handler
    found = [*ground.inventory.warnings, *lint.check(playbook, given=given, names_for_host=names_for_host, must_be_heard=heard)]
    found = [finding for finding in found if advice or finding.severity != "advice"]
    if any(finding.severity == "error" for finding in found):
        raise PlaybookErrors(*found)
    return found


def engine(playbook: Playbook, ground: Ground, given: Any, emit: Emit, ask: Callable[[str, bool], str] | None = None) -> Run:
    """The engine, put together and not yet running."""
    from nxtplay.engine.run import Run

    files = [play.file for play in playbook.plays]
    options = replace(
        ground.options,
        module_paths=(*_beside(files, "library"), *_of_roles(playbook, "library"), *ground.options.module_paths),
        action_paths=(*_beside(files, "action_plugins"), *_of_roles(playbook, "action_plugins"), *ground.options.action_paths),
        collections_path=(*_beside(files, "collections"), *_collections_path(ground.config)),
    )
    variables = scopes(playbook, ground, given, options)
    return Run(playbook, ground.inventory, options, ground.templates, variables, emit, register_secret=ground.masker.register, ask=ask)


def scopes(playbook: Playbook, ground: Ground, given: Any, options: Options) -> Scopes:
    """Which variables a task sees."""
    from nxtplay.engine.scopes import Scopes

    directory = os.path.dirname(os.path.abspath(playbook.path))
    return Scopes(ground.inventory, ground.templates, options, playbook_dir=directory, read=ground.read, given=given)


def hosts_of(play: Play, ground: Ground, known: Scopes) -> Sequence[str]:
    """The hosts that a play means."""
    return ground.inventory.match(known.pattern(play), ground.options.limit or None)


def _tell_instead(playbook: Playbook, asked: Asked, ground: Ground, given: Any) -> int:
    """--syntax-check and --list-*."""
    from nxtplay.cli.listing import listing
    from nxtplay.engine.run import rendered_tags

    if asked.listing == {"syntax"}:
        print(f"playbook: {playbook.path}")
        return 0

    def tags_of(play: Play, tags: frozenset[str]) -> frozenset[str]:
        try:
            return rendered_tags(ground.templates, tags, {**play.vars, **ground.options.extra_vars})
        except NxtplayError:  # a host's variable
            return tags

    known = scopes(playbook, ground, given, ground.options)
    if asked.typed:
        names = [name for play in playbook.plays for name in hosts_of(play, ground, known)]
        print(f"  hosts ({len(names)}):", *(f"    {name}" for name in names), sep="\n")
        return 0
    for line in listing(playbook, ground.options, lambda play: hosts_of(play, ground, known), tags_of, asked.listing):
        print(line)
    return 0
