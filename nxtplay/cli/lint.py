"""`nxtplay lint`: everything that is wrong, without touching a host."""

from __future__ import annotations

import os
from typing import Any

import click

from nxtplay.cli.run import asked_for, inventory_options


@click.command("lint", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("playbooks", nargs=-1, required=True, metavar="PLAYBOOK...")
@inventory_options
@click.option("-l", "--limit", default="", metavar="PATTERN", help="Look for undefined variables on these hosts only.")
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
def command(playbooks: tuple[str, ...], strict: bool, limit: str, **given: Any) -> int:
    """Read playbooks with all that belongs to them and tell everything that is wrong, with advice besides. Exit code 4 when something
    is wrong."""
    from nxtplay.cli import compose
    from nxtplay.cli.app import tell
    from nxtplay.cli.playbooks import find
    from nxtplay.errors import NxtplayError, PlaybookErrors
    from nxtplay.report.masking import Masker
    from nxtplay.report.text import count

    masker = Masker()
    bad = 0
    for path in map(find, playbooks):
        ground = compose.lay(asked_for((path,), limit=limit, **given), masker, playbook_dir=os.path.dirname(path) or ".")
        try:
            playbook, options = compose.read([path], ground)
            found = compose.findings(playbook, ground, options, advice=True)
        except PlaybookErrors as error:
            tell(error, masker.text)
            bad += sum(d.severity == "error" for d in error.diagnostics)
        else:
            for finding in found:
                tell(NxtplayError(finding), masker.text)
            warnings = sum(finding.severity == "warning" for finding in found)
            bad += warnings if strict else 0
            advised = f", {count(len(found) - warnings, 'piece')} of advice" if len(found) > warnings else ""
            click.echo(f"{path}: {count(warnings, 'warning') if warnings else 'nothing wrong'}{advised}")
    return PlaybookErrors.exit_code if bad else 0
