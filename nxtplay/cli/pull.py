"""`nxtplay pull -U URL [PLAYBOOK...]`: this machine fetches a repository and runs its playbook on itself, as ansible-pull does."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from nxtplay.errors import Diagnostic, NxtplayError

F = TypeVar("F", bound=Callable[..., Any])

# what goes to the run of the playbook as it was said: with a value, and alone
VALUES = (
    "-e --extra-vars|-i --inventory --inventory-file|-t --tags|--skip-tags|-l --limit|-M --module-path|-u --user|-c --connection|"
    "-T --timeout|--vault-id|--vault-password-file --vault-pass-file|--become-password-file --become-pass-file|"
    "--connection-password-file --conn-pass-file|--private-key --key-file|--ssh-common-args|--ssh-extra-args"
)
FLAGS = (
    "-J --ask-vault-pass --ask-vault-password|-K --ask-become-pass|-k --ask-pass|--check|--diff|--list-hosts|--flush-cache|"
    "--json|--exit-code"
)


def _handed_on(function: F) -> F:
    for names in FLAGS.split("|"):
        function = click.option(*names.split(), is_flag=True, hidden=True)(function)
    for names in VALUES.split("|"):
        function = click.option(*names.split(), multiple=True, hidden=True)(function)
    return function


@click.command("pull", context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.argument("playbooks", nargs=-1, metavar="[PLAYBOOK]...")
@click.option("-U", "--url", required=True, help="Where the repository is.")
@click.option("-d", "--directory", metavar="DIR", help="The working copy (~/.ansible/pull/NAME-OF-THIS-MACHINE).")
@click.option("-C", "--checkout", metavar="VERSION", help="Branch, tag or commit.")
@click.option("-m", "--module-name", default="git", type=click.Choice(["git"]), help="What fetches it.")
@click.option("--full", is_flag=True, help="With the whole history.")
@click.option("--clean", is_flag=True, help="Throw changes in the working copy away.")
@click.option("--accept-host-key", is_flag=True, help="Take any key that the server shows.")
@click.option("--verify-commit", is_flag=True, help="The commit has to be signed by a trusted key.")
@click.option("--track-subs", is_flag=True, help="Submodules at the newest commit of their branch.")
@click.option("-o", "--only-if-changed", is_flag=True, help="Run only where the repository brought something new.")
@click.option("-f", "--force", is_flag=True, help="Run also where the repository cannot be reached.")
@click.option("--purge", is_flag=True, help="Remove the working copy afterwards.")
@click.option("-s", "--sleep", type=click.IntRange(0), metavar="SECONDS", help="Wait for a random time, so long at most, before.")
@click.option("-v", "--verbose", count=True, help="As for a run.")
@_handed_on
def command(playbooks: tuple[str, ...], url: str, directory: str | None, **given: Any) -> int:
    """Fetch a repository and run playbooks of it on this machine: those named, or NAME-OF-THIS-MACHINE.yml, or local.yml.

    Options of a run (-e, -i, -t, -l, -K, -J, --vault-id, --check, --diff ...) are handed on to it; it starts in the working copy, whose
    configuration counts.
    """
    if given["sleep"]:
        time.sleep(random.uniform(0, given["sleep"]))
    name = socket.getfqdn()
    folder = os.path.abspath(os.path.expanduser(directory or f"~/.ansible/pull/{name}"))
    code, changed = _fetched(url, folder, given)
    if code and not given["force"]:
        return code
    if given["only_if_changed"] and not changed and not code:
        print("Nothing new in the repository; nothing was run.")
        return 0
    words = [word for option in _names(VALUES) for value in given[_key(option)] for word in (option, value)]
    words += [option for option in _names(FLAGS) if given[_key(option)]]
    words += ["-" + "v" * given["verbose"]] if given["verbose"] else []
    words += [] if given["connection"] else ["--connection", "local"]
    names = dict.fromkeys(["localhost", name, name.split(".")[0], socket.gethostname(), "127.0.0.1"])
    words += [] if given["limit"] else ["--limit", ",".join(names)]
    try:
        return _nxtplay([*words, *_chosen(playbooks, folder, [name, name.split(".")[0], "local"])], folder)
    finally:
        if given["purge"]:
            shutil.rmtree(folder, ignore_errors=True)


def _fetched(url: str, folder: str, given: dict[str, Any]) -> tuple[int, bool]:
    """The exit code of fetching, and whether there was anything new."""
    args = {
        "repo": url,
        "dest": folder,
        "version": given["checkout"] or "HEAD",
        "force": given["clean"],
        "accept_hostkey": given["accept_host_key"],
        "verify_commit": given["verify_commit"],
        "track_submodules": given["track_subs"],
        **({} if given["full"] else {"depth": 1}),
        **({"key_file": given["private_key"][-1]} if given["private_key"] else {}),
    }
    with tempfile.TemporaryDirectory() as results:
        words = ["localhost", "-i", "localhost,", "-c", "local", "-m", "git", "-a", json.dumps(args), "-t", results]
        code = _nxtplay(["exec", *words, *(["--flush-cache"] if given["flush_cache"] else [])])
        told = os.path.join(results, "localhost")
        if not os.path.exists(told):
            return code or 1, False
        with open(told, encoding="utf-8") as stream:
            return code, bool(json.load(stream).get("changed"))


def _chosen(playbooks: Sequence[str], folder: str, names: Sequence[str]) -> list[str]:
    """The playbooks in the working copy. Raises NxtplayError where there is none."""
    wanted = list(playbooks) or [next((f"{name}.yml" for name in names if os.path.isfile(os.path.join(folder, f"{name}.yml"))), "")]
    for playbook in wanted:
        if not os.path.isfile(os.path.join(folder, playbook)):
            missing = playbook or " or ".join(f"{name}.yml" for name in dict.fromkeys(names))
            raise NxtplayError(Diagnostic(f"the repository has no playbook {missing}", hint=f"it lies in {folder}"))
    return [os.path.join(folder, playbook) for playbook in wanted]


def _nxtplay(words: Sequence[str], folder: str | None = None) -> int:
    """This program once more, in a folder whose configuration counts; its exit code."""
    sys.stdout.flush()
    with subprocess.Popen([sys.executable, "-m", "nxtplay", *words], cwd=folder) as child:
        try:
            return child.wait()
        except KeyboardInterrupt:
            child.terminate()
            child.wait()
            raise


def _names(table: str) -> list[str]:
    """Each option by its first long name."""
    return [next(name for name in names.split() if name.startswith("--")) for names in table.split("|")]


def _key(option: str) -> str:
    return option.lstrip("-").replace("-", "_")
