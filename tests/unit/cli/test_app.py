"""The command line as users meet it, in processes of its own."""

import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

ROOT = Path(__file__).parents[3]


def nxtplay(*arguments: str, cwd: Path = ROOT, environ: Mapping[str, str] = MappingProxyType({})) -> "subprocess.CompletedProcess[str]":
    full = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "100", **environ}
    return subprocess.run([sys.executable, "-m", "nxtplay", *arguments], cwd=cwd, env=full, capture_output=True, text=True, timeout=60)


def test_the_version() -> None:
    done = nxtplay("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("nxtplay 0.")


def test_help_names_options_and_commands() -> None:
    done = nxtplay("--help")
    assert done.returncode == 0
    for word in ("--check", "--limit", "--exit-code", "Other commands", "inventory", "vault"):
        assert word in done.stdout


def test_without_arguments_help_is_shown() -> None:
    assert "PLAYBOOK..." in nxtplay().stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--chek", "site.yml"], "--check"),
        (["deply"], "did you mean 'deploy'?"),
        (["vautl"], "did you mean 'vault'?"),
        (["sit.yml"], "did you mean 'site.yml'?"),
        (["-f", "0", "site.yml"], "--forks"),
        (["doc", "coppy"], "did you mean 'copy'?"),
        (["doc", "debgu"], "did you mean 'debug'?"),
    ],
)
def test_a_wrong_word_is_told_without_a_traceback(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "deploy.yml").write_text("[]\n")
    (tmp_path / "site.yml").write_text("[]\n")
    done = nxtplay(*arguments, cwd=tmp_path)
    assert done.returncode == 5
    assert said in done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_the_end_of_the_reader_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m nxtplay schema | head -c 10", shell=True, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""


def _cpu(*command: str) -> float:
    """The least CPU seconds of five runs."""
    best = 1e9
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *command], cwd=ROOT, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best


def test_the_version_costs_little() -> None:
    assert _cpu("-m", "nxtplay", "--version") < 5 * _cpu("-c", "pass")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_nothing_heavy_is_imported_for_help(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "nxtplay", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert loaded.isdisjoint({"yaml", "jinja2", "paramiko", "docker", "jsonschema", "rich", "requests"})


def test_a_plugin_that_cannot_be_loaded_is_missed_only_where_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "lookup_plugins").mkdir()
    (tmp_path / "lookup_plugins" / "broken.py").write_text("import no_such_library\n")
    play = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: %s}\n"
    (tmp_path / "without.yml").write_text(play % "all is well")
    (tmp_path / "with.yml").write_text(play % "\"{{ lookup('broken') }}\"")
    without = nxtplay("without.yml", cwd=tmp_path)
    assert without.returncode == 0
    assert "this lookup plugin cannot be loaded: ModuleNotFoundError" in without.stdout
    using = nxtplay("with.yml", cwd=tmp_path)
    assert using.returncode == 4
    assert "there is no lookup named 'broken'" in using.stderr


def test_throttle_holds_where_hosts_do_not_keep_step(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text("""
- hosts: all
  gather_facts: false
  strategy: free
  tasks:
    - shell: touch {{ inventory_hostname }}; ls | wc -l; sleep 0.2; rm {{ inventory_hostname }}
      args: {chdir: "{{ playbook_dir }}/at_work"}
      throttle: 2
      register: seen
    - assert: {that: seen.stdout | int <= 2}
""")
    (tmp_path / "at_work").mkdir()
    done = nxtplay("-i", "a,b,c,d,e,", "-c", "local", "-f", "5", "site.yml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout


def test_only_a_role_that_is_used_replaces_a_built_in_filter(tmp_path: Path) -> None:
    for role in ("used", "idle"):
        (tmp_path / "roles" / role / "filter_plugins").mkdir(parents=True)
        (tmp_path / "roles" / role / "tasks").mkdir()
        (tmp_path / "roles" / role / "tasks" / "main.yml").write_text("- debug: msg=\"{{ 'x' | basename }} {{ 'x' | upper }}\"\n")
    names = {"used": "basename", "idle": "upper"}
    for role, name in names.items():
        (tmp_path / "roles" / role / "filter_plugins" / "mine.py").write_text(
            f"class FilterModule:\n    def filters(self):\n        return {{{name!r}: lambda text: 'from {role}'}}\n"
        )
    (tmp_path / "play.yml").write_text("- hosts: localhost\n  gather_facts: false\n  roles: [used]\n")
    done = nxtplay("play.yml", cwd=tmp_path)
    assert "from used X" in done.stdout, done.stdout + done.stderr


def test_what_is_done_on_this_machine_is_done_in_the_playbooks_folder(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "p.yml").write_text(
        """
- hosts: localhost
  gather_facts: false
  tasks:
    - command: pwd
      register: ran
    - raw: pwd
      register: raw
    - expect: {command: pwd, responses: {none: none}}
      register: asked
    - copy: {content: kept, dest: relative}
    - assert:
        that: [ran.stdout == playbook_dir, raw.stdout == playbook_dir ~ '\\n', playbook_dir in asked.stdout]
"""
    )
    done = nxtplay("sub/p.yml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "sub" / "relative").read_text() == "kept"
    assert nxtplay("exec", "localhost", "-m", "stat", "-a", "path=sub/relative", cwd=tmp_path).returncode == 0
