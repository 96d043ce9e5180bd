"""`nxtplay PLAYBOOK...`: the options, as users of ansible-playbook know them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click

from nxtplay.cli.app import COMMANDS
from nxtplay.cli.configuration import Config
from nxtplay.engine.options import Options

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Asked:
    """A command line for a run, as it was written; `options` is what the engine gets of it."""

    playbooks: tuple[str, ...]
    inventories: tuple[str, ...]
    extra_vars: tuple[str, ...]
    options: Options
    vault_ids: tuple[str, ...] = ()
    vault_password_files: tuple[str, ...] = ()
    ask_vault_password: bool = False
    ask_password: bool = False
    ask_become_password: bool = False
    password_file: str | None = None
    become_password_file: str | None = None
    listing: frozenset[str] = frozenset()  # hosts, tags, tasks, syntax: tell instead of running
    json: bool = False
    junit: str | None = None
    html: str | None = None
    exit_code: bool = False
    typed: str = ""  # a playbook's text, in place of `playbooks`
    folder: str = "."  # where it would lie
    results: str = ""  # "whole" or "line": results alone, so or so; "": the course of the run
    tree: str | None = None  # a folder for each host's result
    config: Config = field(default_factory=Config)


def words(values: tuple[str, ...]) -> tuple[str, ...]:
    """`-t a,b -t c` as a, b, c."""
    return tuple(word.strip() for value in values for word in value.split(",") if word.strip())


def _commands() -> str:
    return "\b\nOther commands (nxtplay COMMAND --help):\n" + "\n".join(f"  {name:<10} {text}" for name, text in COMMANDS.items())


def inventory_options(function: F) -> F:
    """-i, -e and the vault's options, common to several commands."""
    decorators = [
        click.option(
            "-i",
            "--inventory",
            "--inventory-file",
            "inventories",
            multiple=True,
            metavar="SOURCE",
            help="A file, a directory, a script, or `host1,host2,`.",
        ),
        click.option("-e", "--extra-vars", "extra_vars", multiple=True, metavar="VARS", help="`name=value`, JSON or YAML, or `@file`."),
        click.option(
            "--vault-id", "vault_ids", multiple=True, metavar="ID@SOURCE", help="A vault's identity and its password's file or `prompt`."
        ),
        click.option(
            "--vault-password-file",
            "--vault-pass-file",
            "vault_password_files",
            multiple=True,
            metavar="FILE",
            help="Holds a vault's password.",
        ),
        click.option(
            "-J", "--ask-vault-pass", "--ask-vault-password", "ask_vault_password", is_flag=True, help="Ask for the vault's password."
        ),
    ]
    for decorator in reversed(decorators):
        function = decorator(function)
    return function


def _flag(*names: str, help: str) -> Callable[[F], F]:
    return click.option(*names, is_flag=True, help=help)


def run_options(function: F) -> F:
    """How hosts are reached and what is told, common to commands that run tasks."""
    decorators = [
        click.option("-l", "--limit", default="", metavar="PATTERN", help="Only hosts that match."),
        _flag("-C", "--check", help="Change nothing; tell what a run would do."),
        _flag("-D", "--diff", help="Show the lines and attributes that differ."),
        click.option("-v", "--verbose", "verbosity", count=True, help="Show results; -vvv shows internals."),
        click.option("-f", "--forks", type=click.IntRange(1), default=5, show_default=True, help="Hosts worked on at once."),
        click.option("-u", "--user", help="Connect as this user."),
        _flag("-k", "--ask-pass", "ask_password", help="Ask for the connection's password."),
        click.option(
            "--connection-password-file", "--conn-pass-file", "password_file", metavar="FILE", help="Holds the connection's password."
        ),
        click.option("--private-key", "--key-file", "private_key", metavar="FILE", help="Connect with this key."),
        click.option("-c", "--connection", help="How to reach hosts: ssh, local, docker."),
        click.option("-T", "--timeout", type=click.IntRange(1), metavar="SECONDS", help="To connect."),
        click.option("--ssh-common-args", metavar="ARGS", help="For every use of SSH, such as a proxy."),
        click.option("--ssh-extra-args", metavar="ARGS", help="For SSH alone."),
        click.option("--scp-extra-args", "--sftp-extra-args", expose_value=False, multiple=True, hidden=True),  # neither is used
        _flag("-b", "--become", help="Run tasks as another user."),
        click.option("--become-user", metavar="USER", help="As this user (root)."),
        click.option("--become-method", metavar="METHOD", help="By this means (sudo)."),
        _flag("-K", "--ask-become-pass", "ask_become_password", help="Ask for the password to become another user."),
        click.option("--become-password-file", "--become-pass-file", "become_password_file", metavar="FILE", help="Holds that password."),
        click.option("--task-timeout", type=click.IntRange(0), metavar="SECONDS", help="A task that takes longer fails."),
        click.option("-M", "--module-path", multiple=True, metavar="DIR", help="Further modules are here."),
        _flag("--list-hosts", help="Tell which hosts the plays match."),
        _flag("--syntax-check", help="Only look for errors."),
        _flag("--json", "as_json", help="One JSON object per event and line."),
        _flag("--exit-code", help="A check that foresees changes exits 3, one that met unknowns 6."),
    ]
    for decorator in reversed(decorators):
        function = decorator(function)
    return function


@click.command(
    "run",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=_commands(),
    no_args_is_help=False,
)
@click.argument("playbooks", nargs=-1, required=True, metavar="PLAYBOOK...")
@inventory_options
@run_options
@click.option("-t", "--tags", multiple=True, metavar="TAGS", help="Only tasks with one of these tags.")
@click.option("--skip-tags", multiple=True, metavar="TAGS", help="No tasks with one of these tags.")
@click.option("--start-at-task", default="", metavar="NAME", help="Begin at this task.")
@_flag("--step", help="Ask before each task.")
@_flag("--force-handlers", help="Run notified handlers even after a failure.")
@_flag("--flush-cache", help="Forget cached facts.")
@_flag("--list-tasks", help="Tell which tasks would run.")
@_flag("--list-tags", help="Tell which tags there are.")
@click.option("--junit", metavar="FILE", help="Write a JUnit report too.")
@click.option("--html", metavar="FILE", help="Write a page with a timeline too.")
@click.option("--version", is_flag=True, expose_value=False, help="Tell the version.")
def command(**given: Any) -> int:
    """Run playbooks. NAME is short for playbooks/NAME.yml: `nxtplay deploy`.

    Without -i the inventory is ./inventory/local.yml or ./inventory.* where there is one, and this machine alone otherwise.
    """
    from nxtplay.cli.compose import play

    return play(asked(**given))


def configured() -> Config:
    """What configuration files and the environment say to the command that is being carried out."""
    found = click.get_current_context().obj
    return found if isinstance(found, Config) else Config()


def asked(**given: Any) -> Asked:
    """The command line's values as one record, with what the configuration adds."""
    config = configured()
    named = (
        "check diff verbosity forks limit start_at_task step force_handlers flush_cache user connection timeout private_key "
        "ssh_common_args ssh_extra_args become_user become_method task_timeout"
    ).split()
    options = Options(
        **{name: given[name] for name in named},
        tags=words(given["tags"]),
        skip_tags=words(given["skip_tags"]),
        become=True if given["become"] else None,
        **_engine(config, given["module_path"]),
        batch=os.environ.get("NXTPLAY_BATCH", "1") not in ("0", "false", "no"),
    )
    kept = (
        "playbooks inventories extra_vars vault_ids vault_password_files ask_vault_password ask_password ask_become_password password_file "
        "become_password_file junit html exit_code"
    ).split()
    flags = {"hosts": "list_hosts", "tags": "list_tags", "tasks": "list_tasks", "syntax": "syntax_check"}
    return Asked(
        **{name: given[name] for name in kept} | _vault(config, given),
        options=options,
        config=config,
        listing=frozenset(name for name, flag in flags.items() if given[flag]),
        json=given["as_json"],
    )


def asked_for(playbooks: tuple[str, ...] = (), *, limit: str = "", **given: Any) -> Asked:
    """What commands that only look ask for: `given` holds the values of `inventory_options`."""
    config = configured()
    options = Options(limit=limit, check=True, **_engine(config))
    return Asked(playbooks=playbooks, options=options, config=config, **given | _vault(config, given))


def _engine(config: Config, module_paths: tuple[str, ...] = ()) -> dict[str, Any]:
    """Options of the engine that the configuration says, alone or too."""
    from nxtplay.engine.factcache import FactCache

    named = {name: name for name in "ssh_args ssh_executable ssh_retries host_key_checking become_exe become_flags".split()}
    named |= {"port": "remote_port", "interpreter": "interpreter_python", "gathering": "gathering", "strategy": "strategy"}
    named |= {name: name for name in "any_errors_fatal no_log deprecation_warnings error_on_missing_handler host_pattern_mismatch".split()}
    found = {option: config.values[name].value for option, name in named.items() if name in config.values}
    folder = config.get("fact_caching_connection")
    if config.get("fact_caching", "memory").rpartition(".")[2] == "jsonfile" and folder:
        found["fact_cache"] = FactCache(folder, config.get("fact_caching_prefix", ""), config.get("fact_caching_timeout", 86400))
    found |= {"module_paths": (*module_paths, *config.get("library", ())), "action_paths": tuple(config.get("action_plugins", ()))}
    return found | {"merge": config.get("hash_behaviour") == "merge"}


def _vault(config: Config, given: dict[str, Any]) -> dict[str, Any]:
    """The vault's identities of the configuration come first, its password file last."""
    files = (*given["vault_password_files"], *filter(None, [config.get("vault_password_file")]))
    return {"vault_ids": (*config.get("vault_identity_list", ()), *given["vault_ids"]), "vault_password_files": files}
