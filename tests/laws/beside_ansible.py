"""Runs the same tasks by ansible-core and by converge, on copies of one tree, and tells where they part.

    cd tests; python -m laws.beside_ansible [WORD ...]      (cases whose name or module holds a WORD)

ansible-playbook has to be on the PATH, or named by ANSIBLE_PLAYBOOK.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from typing import Any

from . import harness
from .harness import Case
from .test_laws import CASES

MODULES = ("file", "copy", "lineinfile", "blockinfile", "replace", "assemble", "stat", "slurp", "find", "template", "command", "shell")


def ansible(cases: list[Case], place: str, rounds: int) -> list[list[dict[str, Any]]]:
    """The results of each case's task, for every round."""
    tasks: list[dict[str, Any]] = []
    for number in range(rounds):
        for index, case in enumerate(cases):
            args = harness.filled(dict(case.args), root=f"{place}/{index}/root", files=f"{place}/{index}/files")
            if (
                case.module in ("copy", "template", "script", "assemble")
                and isinstance(args.get("src"), str)
                and not args["src"].startswith("/")
            ):
                args["src"] = f"{place}/{index}/files/{args['src']}"
            tasks.append({f"ansible.builtin.{case.module}": args, "register": f"r_{number}_{index}", "ignore_errors": True})
    names = [f"r_{n}_{i}" for n in range(rounds) for i in range(len(cases))]
    tasks.append({"ansible.builtin.copy": {"dest": f"{place}/results.json", "content": "{{ [" + ", ".join(names) + "] | to_json }}"}})
    play = [{"hosts": "localhost", "gather_facts": False, "connection": "local", "vars": {"name": "world"}, "tasks": tasks}]
    with open(f"{place}/play.json", "w") as stream:
        json.dump(play, stream)
    program = os.environ.get("ANSIBLE_PLAYBOOK") or shutil.which("ansible-playbook") or sys.exit("no ansible-playbook")
    env = {**os.environ, "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3", "ANSIBLE_NOCOWS": "1"}
    done = subprocess.run([program, "-i", "localhost,", f"{place}/play.json"], env=env, capture_output=True, text=True)
    try:
        with open(f"{place}/results.json") as stream:
            flat = json.load(stream)
    except OSError:
        sys.exit(done.stdout[-3000:] + done.stderr[-3000:])
    return [flat[i : i + len(cases)] for i in range(0, len(flat), len(cases))]


def plant(case: Case, place: str) -> None:
    harness.plant(f"{place}/root", case.start)
    harness.plant(f"{place}/files", case.files)
    if case.setup:
        case.setup(f"{place}/root")


def main(words: list[str]) -> int:
    cases = [c for c in CASES if c.module in MODULES and (not words or any(w in str(c) or w == c.module for w in words))]
    parted = 0
    with tempfile.TemporaryDirectory() as theirs, tempfile.TemporaryDirectory() as ours:
        for index, case in enumerate(cases):
            plant(case, f"{theirs}/{index}")
            plant(case, f"{ours}/{index}")
        rounds = ansible(cases, theirs, 2)
        for index, case in enumerate(cases):
            parted += _compare(case, [r[index] for r in rounds], f"{theirs}/{index}", f"{ours}/{index}")
    print(f"{len(cases)} cases, {parted} part ways")
    return 1 if parted else 0


def _compare(case: Case, theirs: list[dict[str, Any]], there: str, here: str) -> int:
    args = harness.filled(dict(case.args), root=f"{here}/root", files=f"{here}/files")
    outcomes = [harness.run([(case.module, args)], f"{here}/files")[0] for _ in theirs]
    found = []
    for number, (outcome, other) in enumerate(zip(outcomes, theirs, strict=True)):
        said = "failed" if other.get("failed") else "changed" if other.get("changed") else "ok"
        if said != outcome.status:
            found.append(f"run {number + 1}: they {said} ({other.get('msg')}), we {outcome.status} ({outcome.reason})")
        missing = sorted(set(other) - set(outcome.result) - {"changed", "failed", "diff", "stdout_lines", "stderr_lines", "exception"})
        if number == 0 and missing and said == outcome.status != "failed":
            found.append(f"not registered: {', '.join(missing)}")
    found += _trees(harness.picture(f"{there}/root", exact=False), harness.picture(f"{here}/root", exact=False), there, here)
    if found:
        print(f"{case}: {dict(case.args)} on {dict(case.start)}\n    " + "\n    ".join(found))
    return bool(found)


def _trees(theirs: dict[str, Any], ours: dict[str, Any], there: str, here: str) -> list[str]:
    out = []
    for path in sorted({*theirs, *ours}):
        a, b = theirs.get(path), ours.get(path)
        if a and b and isinstance(a[3], str):
            a = (*a[:3], a[3].replace(there, here))
        if a != b:
            out.append(f"{path}: they {a}, we {b}")
    return out


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
