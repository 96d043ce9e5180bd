"""Which command was meant, and how its errors are told."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from nxtplay.errors import NxtplayError, UsageError, render

if TYPE_CHECKING:
    import click

COMMANDS = {
    "config": "what configuration files and the environment say, and where",
    "doc": "what a module does and which arguments it takes",
    "exec": "one module on some hosts, without a playbook",
    "inventory": "hosts, groups and variables as nxtplay sees them",
    "lint": "everything that is wrong in playbooks, without running them",
    "pull": "a repository fetched, and its playbook run on this machine",
    "schema": "the JSON Schema of playbooks, for editors",
    "vars": "a host's variables, and where each value comes from",
    "vault": "encrypt, decrypt, view and edit files of secrets",
}
UNCONFIGURED = ("doc", "pull", "schema")
INTERRUPTED = 99


def main(arguments: Sequence[str]) -> int:
    """Carry out a command line; the exit code. Whatever a user can mend is told without a traceback."""
    name, rest = ("run", arguments)
    if arguments and arguments[0] in COMMANDS:
        name, rest = arguments[0], arguments[1:]
    _end_as_by_ctrl_c()
    sys.setrecursionlimit(5000)  # a file of tasks that includes another takes several frames
    try:
        return call(importlib.import_module(f"nxtplay.cli.{name}").command, "nxtplay" + (f" {name}" if name != "run" else ""), rest)
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def call(command: click.Command, program: str, arguments: Sequence[str]) -> int:
    """Run one click command; errors are printed, an int that it returns is the exit code."""
    import click

    from nxtplay.cli import configuration

    try:
        words = list(arguments) if arguments or command.name != "run" else ["--help"]
        given = configuration.Config() if command.name in UNCONFIGURED else configuration.read(os.environ)
        code = command.main(words, program, standalone_mode=False, obj=given, default_map=configuration.defaults(given))
        sys.stdout.flush()
        return int(code or 0)
    except click.exceptions.Abort as abort:
        raise KeyboardInterrupt from abort
    except click.exceptions.NoArgsIsHelpError as error:  # a group of commands alone: which there are
        print(error.format_message(), file=sys.stderr)
        return UsageError.exit_code
    except click.ClickException as error:
        said = error.format_message()
        usage = f"\n  try: {program} --help" if isinstance(error, click.UsageError) else ""
        if isinstance(error, click.NoSuchOption) and error.option_name in ("-m", "-a", "--module-name", "--args") and command.name == "run":
            usage = "\n  one module on some hosts, without a playbook: nxtplay exec PATTERN -m MODULE -a ARGS"
        print(f"error: {said}{usage}", file=sys.stderr)
        return UsageError.exit_code
    except NxtplayError as error:
        tell(error)
        return error.exit_code


def tell(error: NxtplayError, mask: Callable[[str], str] = str) -> None:
    """All findings of an error on stderr, as compilers print them."""
    from nxtplay.report.text import Style, clean, count, wants_colours

    style = Style(colours=wants_colours(sys.stderr))
    for diagnostic in error.diagnostics:
        head, *rest = mask(clean(render(diagnostic))).split("\n")
        print(style("failed" if diagnostic.severity == "error" else "warning", head), *rest, "", sep="\n", file=sys.stderr)
    if len(error.diagnostics) > 3:
        print(f"{count(len(error.diagnostics), 'finding')}; nothing was run", file=sys.stderr)


def _end_as_by_ctrl_c() -> None:
    """A run that is told to end, or whose terminal goes away, ends what it started on the hosts just as by Ctrl-C."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name)
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup stays as it is
            signal.signal(number, interrupt)
