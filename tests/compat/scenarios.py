"""Scenarios: playbooks whose course is written down beside them, `NAME.txt` beside `NAME.yml`.

The first lines of a scenario say how it is run, one command line each: `# -i a,b, -c local`. A line `# differs: ...` is one on which
nxtplay differs from Ansible on purpose (docs/differences.md says why). What is written down comes from ansible-playbook, or, where
nxtplay differs, from nxtplay:  python tests/compat/scenarios.py [NAME...]
"""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import outcome

HERE = Path(__file__).parent / "scenarios"


@dataclass(frozen=True)
class Scenario:
    playbook: Path
    options: str
    differs: bool = False

    @property
    def words(self) -> list[str]:
        return [*shlex.split(self.options), self.playbook.name]

    def __str__(self) -> str:
        return f"{self.playbook.stem} {self.options}"


def every() -> list[Scenario]:
    return [scenario for playbook in sorted(HERE.glob("*.yml")) for scenario in of(playbook)]


def of(playbook: Path) -> list[Scenario]:
    found = []
    for line in playbook.read_text(encoding="utf-8").splitlines():
        if line.startswith("# -"):
            found.append(Scenario(playbook, line[2:]))
        elif line.startswith("# differs: "):
            found.append(Scenario(playbook, line.removeprefix("# differs: "), differs=True))
    return found


def expected(scenario: Scenario) -> str:
    """What was written down for it."""
    text = scenario.playbook.with_suffix(".txt").read_text(encoding="utf-8")
    parts = dict(part.split("\n", 1) for part in text.split("== ")[1:])
    return parts[scenario.options]


def told(seen: outcome.Outcome) -> str:
    """A course as it is written down."""
    return seen.text(results=True).replace(str(HERE), ".")


def by_nxtplay(scenario: Scenario) -> outcome.Outcome:
    return outcome.nxtplay(scenario.words, cwd=HERE, environ=ENVIRON)


def by_ansible(scenario: Scenario) -> outcome.Outcome:
    return outcome.ansible(scenario.words, cwd=HERE, environ=ENVIRON)


ENVIRON = {"PYTHONPATH": str(Path(__file__).parents[2]), "ANSIBLE_LOCALHOST_WARNING": "false"}


def write_down(playbook: Path) -> None:
    parts = []
    for scenario in of(playbook):
        seen = by_nxtplay(scenario) if scenario.differs else by_ansible(scenario)
        parts.append(f"== {scenario.options}\n{told(seen)}")
    playbook.with_suffix(".txt").write_text("".join(parts), encoding="utf-8")


if __name__ == "__main__":
    os.chdir(HERE)
    for one in sorted(HERE.glob("*.yml")):
        if not sys.argv[1:] or one.stem in sys.argv[1:]:
            write_down(one)
            print(one.stem)
