"""Which playbook a word on the command line means."""

from __future__ import annotations

import glob
import os

from nxtplay.cli.app import COMMANDS
from nxtplay.errors import Diagnostic, UsageError, did_you_mean
from nxtplay.opening import is_pipe

ENDINGS = (".yml", ".yaml")


def find(word: str) -> str:
    """The path of a playbook: as it was typed, or `playbooks/WORD.yml` for a bare word. Raises UsageError with what is near."""
    if os.path.isfile(word) or is_pipe(word):
        return word
    if os.path.isdir(word) and os.sep in word:
        raise UsageError(Diagnostic(f"'{word}' is a directory, not a playbook", hint=_there_are(glob.glob(os.path.join(word, "*.y*ml")))))
    if _is_bare(word):
        for ending in ENDINGS:
            path = os.path.join("playbooks", word + ending)
            if os.path.isfile(path):
                return path
    known = [*COMMANDS, *_short_names(), *_paths()] if _is_bare(word) else _paths(os.path.dirname(word))
    what = "there is no playbook or command" if _is_bare(word) else "there is no playbook"
    raise UsageError(Diagnostic(f"{what} '{word}'", hint=did_you_mean(word, known) or _there_are(_short_names() or _paths())))


def _is_bare(word: str) -> bool:
    return os.sep not in word and not word.endswith(ENDINGS)


def _short_names() -> list[str]:
    return sorted(os.path.splitext(os.path.basename(path))[0] for path in glob.glob("playbooks/*.y*ml"))


def _paths(directory: str = "") -> list[str]:
    return sorted(path for pattern in ("*.yml", "*.yaml", "playbooks/*.y*ml") for path in glob.glob(os.path.join(directory, pattern)))


def _there_are(names: list[str]) -> str:
    return f"there are: {', '.join(names[:12])}" if names else "give the path of a playbook, such as site.yml"
