"""Random playbooks through nxtplay and ansible-playbook, and what they do differently.

    python tests/compat/differential.py [--seconds N] [--seed FIRST] [--count N]     (ANSIBLE_PLAYBOOK names the other program)

A difference is shown and kept in a folder of its own, ready to be run by hand.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import shlex
import sys
import tempfile
import time
from pathlib import Path

import grammar
import outcome

ENVIRON = {
    "PYTHONPATH": str(Path(__file__).parents[2]),
    "ANSIBLE_LOCALHOST_WARNING": "false",
    "ANSIBLE_DEPRECATION_WARNINGS": "false",
    "ANSIBLE_FORKS": "3",
    "ANSIBLE_PIPELINING": "true",
}


def lay_out(case: grammar.Case, folder: Path) -> None:
    """The case's files; JSON is YAML."""
    for path, document in case.files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(document, indent=1), encoding="utf-8")
    (folder / "command.txt").write_text(shlex.join(case.words) + "\n", encoding="utf-8")


def differences(case: grammar.Case, folder: Path) -> list[str]:
    """A unified diff from what Ansible does to what nxtplay does; empty when they agree."""
    lay_out(case, folder)
    there = outcome.ansible(case.words, cwd=folder, environ=ENVIRON)
    here = outcome.nxtplay(case.words, cwd=folder, environ=ENVIRON)
    if there.code in (1, 4, 250) and not there.recap:
        return []  # no playbook for Ansible either
    if there.text(results=True, apart=True) == here.text(results=True, apart=True):
        return []
    one, other = there.text(results=True), here.text(results=True)
    lines = list(difflib.unified_diff(one.splitlines(), other.splitlines(), "ansible", "nxtplay", lineterm="", n=3))
    return lines if here.steps else [*lines[:5], here.output[-1500:]]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=10**9)
    parser.add_argument("--budget", type=int, default=40)
    given = parser.parse_args()
    until = time.monotonic() + given.seconds
    kept = Path(tempfile.gettempdir()) / f"differential-{os.getuid()}"
    seed, found = given.seed, 0
    while time.monotonic() < until and seed < given.seed + given.count:
        folder = kept / str(seed)
        lines = differences(grammar.case(seed, budget=given.budget), folder)
        if lines:
            found += 1
            print(f"-- seed {seed}: cd {folder}; {(folder / 'command.txt').read_text().strip()}", *lines[:60], sep="\n", flush=True)
        seed += 1
    print(f"{seed - given.seed} playbooks, {found} differ")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
