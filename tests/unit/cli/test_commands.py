"""The commands beside a run, and a run from its command line to its exit code."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .test_app import ROOT, nxtplay

INVENTORY = """
[web]
web1 ansible_host=10.0.0.1
web2 port=81
[db]
db1
[site:children]
web
db
[web:vars]
port=80
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "hosts.ini").write_text(INVENTORY)
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "web.yml").write_text("colour: red\n")
    (tmp_path / "password").write_text("open sesame\n")
    return tmp_path


def test_the_inventory_as_a_tree(here: Path) -> None:
    done = nxtplay("inventory", "-i", "hosts.ini", "--graph", cwd=here)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "@all:",
        "  |--@ungrouped:",
        "  |--@site:",
        "  |  |--@web:",
        "  |  |  |--web1",
        "  |  |  |--web2",
        "  |  |--@db:",
        "  |  |  |--db1",
    ]


def test_hosts_of_all_stand_in_the_group_below_it(here: Path) -> None:
    (here / "all.yml").write_text("all: {hosts: {one: , two: }, children: {web: {hosts: {two: {colour: red, map: {1: a, b: c}}}}}}\n")
    done = nxtplay("inventory", "-i", "all.yml", "--graph", cwd=here)
    assert done.stdout.splitlines() == ["@all:", "  |--@ungrouped:", "  |  |--one", "  |--@web:", "  |  |--two"]
    told = nxtplay("inventory", "-i", "all.yml", "--list", cwd=here).stdout
    assert json.loads(told)["all"] == {"children": ["ungrouped", "web"]}
    assert json.loads(told)["_meta"]["hostvars"] == {"two": {"colour": "red", "map": {"1": "a", "b": "c"}}}
    assert list(json.loads(told)) == sorted(json.loads(told))


def test_groups_made_of_variables(here: Path) -> None:
    (here / "made.yml").write_text("plugin: constructed\nkeyed_groups: [{key: port, prefix: port}]\n")
    done = nxtplay("inventory", "-i", "hosts.ini", "-i", "made.yml", "--list", "--limit", "web", cwd=here)
    assert json.loads(done.stdout)["port_81"] == {"hosts": ["web2"]}


def test_the_inventory_as_scripts_print_it(here: Path) -> None:
    told = json.loads(nxtplay("inventory", "-i", "hosts.ini", "--list", cwd=here).stdout)
    assert told["web"] == {"hosts": ["web1", "web2"]}
    assert told["site"] == {"children": ["web", "db"]}
    assert told["_meta"]["hostvars"]["web2"] == {"port": 81, "colour": "red"}
    (here / "again.py").write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(told)}\nEND\n")
    (here / "again.py").chmod(0o755)
    assert json.loads(nxtplay("inventory", "-i", "again.py", "--list", cwd=here).stdout) == told  # what it prints it can read


def test_the_inventory_as_it_is_written(here: Path) -> None:
    (here / "group_vars" / "all.yml").write_text("town: Zürich\n")
    told = json.loads(nxtplay("inventory", "-i", "hosts.ini", "--list", "--export", cwd=here).stdout)
    assert told["web"] == {"hosts": ["web1", "web2"], "vars": {"colour": "red", "port": 80}}
    assert told["all"]["vars"] == {"town": "Zürich"}
    assert told["_meta"]["hostvars"] == {"web1": {"ansible_host": "10.0.0.1"}, "web2": {"port": 81}}
    text = nxtplay("inventory", "-i", "hosts.ini", "--list", "--yaml", "--export", cwd=here).stdout
    assert text.startswith(
        "all:\n  children:\n    site:\n      children:\n        db:\n          hosts:\n            db1: {}\n        web:\n"
    )
    (here / "written").mkdir()
    (here / "written" / "again.yml").write_text(text)
    again = nxtplay("inventory", "-i", "written/again.yml", "--list", cwd=here).stdout  # what it writes it can read
    assert json.loads(again)["_meta"]["hostvars"]["web2"] == {"colour": "red", "port": 81, "town": "Zürich"}
    assert "Zürich" in again
    shown = nxtplay("inventory", "-i", "hosts.ini", "--graph", "--vars", cwd=here).stdout.splitlines()
    assert shown[-1] == "  |--{town = Zürich}"
    assert "  |  |  |--{colour = red}" in shown


def test_the_variables_of_a_host(here: Path) -> None:
    assert json.loads(nxtplay("inventory", "-i", "hosts.ini", "--host", "web1", cwd=here).stdout)["colour"] == "red"
    assert "port: 81" in nxtplay("inventory", "-i", "hosts.ini", "--host", "web2", "--yaml", cwd=here).stdout
    wrong = nxtplay("inventory", "-i", "hosts.ini", "--host", "web3", cwd=here)
    assert wrong.returncode == 5
    assert "did you mean 'web" in wrong.stderr


def test_where_a_value_comes_from(here: Path) -> None:
    done = nxtplay("vars", "-i", "hosts.ini", "--host", "web2", "port", "-e", "port=99", cwd=here)
    counts, *hidden = done.stdout.splitlines()
    assert counts == "counts:    99  (extra vars, -e)"
    assert [line.split()[1] for line in hidden] == ["81", "80"]
    assert "hosts.ini:4" in hidden[0]
    assert nxtplay("vars", "-i", "hosts.ini", "--host", "web2", "prot", cwd=here).returncode == 5


PLAYS = """\
- name: shop
  hosts: web
  vars: {port: 82}
  vars_files: [more.yml]
  vars_prompt: [{name: answer}]
  roles: [{role: nginx, vars: {port: 85}}]
  tasks:
    - name: greet
      debug: {msg: hi}
      vars: {port: 84}
- hosts: db
  tasks: []
"""


def test_where_a_value_comes_from_in_a_play(here: Path) -> None:
    role = here / "roles" / "nginx"
    for name, text in (("defaults", "port: 1\nworkers: 2\n"), ("vars", "port: 83\n"), ("tasks", "- ping:\n")):
        (role / name).mkdir(parents=True)
        (role / name / "main.yml").write_text(text)
    (here / "site.yml").write_text(PLAYS)
    (here / "more.yml").write_text("port: 821\n")

    def values(*words: str, host: str = "web2") -> list[str]:
        done = nxtplay("vars", "-i", "hosts.ini", "-H", host, "--play", "site.yml", *words, cwd=here)
        assert done.returncode == 0, done.stderr
        head, *lines = done.stdout.splitlines()
        assert head.startswith("play #1 shop (site.yml:1:3)")
        return [line.split()[1] for line in lines]

    assert values("port") == ["83", "821", "82", "81", "80", "1"]
    assert values("port", "--role", "nginx")[:2] == ["85", "83"]
    assert values("port", "--task", "greet")[:2] == ["84", "83"]
    assert values("port", "--role", "nginx", "-e", "port=9")[:2] == ["9", "85"]
    every = nxtplay("vars", "-i", "hosts.ini", "-H", "web2", "--play", "site.yml", cwd=here).stdout
    assert "port: 83  (roles/nginx/vars/main.yml:1:7)" in every
    assert "answer: (asked for)  (vars_prompt)" in every
    assert "workers: 2" in every
    assert "playbook_dir" not in every
    assert nxtplay("vars", "-i", "hosts.ini", "-H", "db1", "--play", "site.yml", "--task", "greet", cwd=here).returncode == 5
    wrong = nxtplay("vars", "-i", "hosts.ini", "-H", "web1", "--play", "site.yml", "--role", "nginks", cwd=here)
    assert "did you mean 'nginx'" in wrong.stderr
    assert nxtplay("vars", "-H", "web1", "--role", "nginx", cwd=here).returncode == 5


def test_vault_there_and_back(here: Path) -> None:
    path = here / "secret.yml"
    path.write_text("token: swordfish7\n")
    path.chmod(0o640)
    key = ["--vault-password-file", "password"]
    assert nxtplay("vault", "encrypt", *key, "secret.yml", cwd=here).returncode == 0
    assert path.read_text().startswith("$ANSIBLE_VAULT;1.1;AES256\n")
    assert path.stat().st_mode & 0o777 == 0o640
    assert nxtplay("vault", "view", *key, "secret.yml", cwd=here).stdout == "token: swordfish7\n"
    again = nxtplay("vault", "encrypt", *key, "secret.yml", cwd=here)
    assert (again.returncode, "already encrypted" in again.stderr) == (1, True)
    (here / "other").write_text("another\n")
    assert nxtplay("vault", "rekey", *key, "--new-vault-password-file", "other", "secret.yml", cwd=here).returncode == 0
    wrong = nxtplay("vault", "view", *key, "secret.yml", cwd=here)
    assert wrong.returncode == 1
    assert "no vault password given" in wrong.stderr
    assert nxtplay("vault", "decrypt", "--vault-password-file", "other", "secret.yml", cwd=here).returncode == 0
    assert path.read_text() == "token: swordfish7\n"


def test_vault_edit_keeps_the_file_when_the_editor_fails(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = ["--vault-password-file", "password"]
    monkeypatch.setenv("EDITOR", "sh -c 'echo new: value > \"$0\"'")
    assert nxtplay("vault", "create", *key, "made.yml", cwd=here).returncode == 0
    assert (here / "made.yml").stat().st_mode & 0o777 == 0o600
    assert nxtplay("vault", "view", *key, "made.yml", cwd=here).stdout == "new: value\n"
    before = (here / "made.yml").read_text()
    monkeypatch.setenv("EDITOR", "false")
    assert nxtplay("vault", "edit", *key, "made.yml", cwd=here).returncode == 1
    assert (here / "made.yml").read_text() == before


PLAYBOOK = """
- name: Files
  hosts: localhost
  gather_facts: false
  vars_files: [secret.yml]
  tasks:
    - name: Write
      copy: {dest: "{{ playbook_dir }}/out.txt", content: "token={{ token }}\\n"}
    - name: Show
      command: cat {{ playbook_dir }}/out.txt
      changed_when: false
    - debug: {msg: "{{ token | b64encode }}"}
"""


def test_a_run_from_check_to_nothing_left(here: Path) -> None:
    (here / "site.yml").write_text(PLAYBOOK)
    (here / "secret.yml").write_text("token: swordfish7\n")
    key = ["--vault-password-file", "password"]
    assert nxtplay("vault", "encrypt", *key, "secret.yml", cwd=here).returncode == 0
    check = nxtplay("site.yml", *key, "-C", "-D", "--exit-code", cwd=here)
    assert check.returncode in (3, 6), check.stderr + check.stdout
    assert not (here / "out.txt").exists()
    first = nxtplay("site.yml", *key, "-D", "-vvv", "--junit", "j.xml", "--html", "h.html", cwd=here)
    assert first.returncode == 0, first.stderr + first.stdout
    assert (here / "out.txt").read_text() == "token=swordfish7\n"
    assert "changed=1 " in first.stdout
    second = nxtplay("site.yml", *key, "--json", cwd=here)
    recap = json.loads(second.stdout.splitlines()[-1])["recap"]
    assert recap["hosts"]["localhost"]["changed"] == 0
    for text in (check.stdout, first.stdout, second.stdout, (here / "j.xml").read_text(), (here / "h.html").read_text()):
        assert "swordfish7" not in text
        assert "c3dvcmRmaXNoNw" not in text
    for text in (check.stdout, first.stdout, second.stdout, (here / "h.html").read_text()):
        assert "********" in text


def test_what_is_wrong_is_told_before_anything_runs(here: Path) -> None:
    (here / "site.yml").write_text("- hosts: localhost\n  tasks:\n    - command: touch ran\n    - cpoy: {dest: /x}\n    - ping: {dta: 1}\n")
    done = nxtplay("site.yml", cwd=here)
    assert done.returncode == 4
    assert "site.yml:4:7" in done.stderr
    assert "copy" in done.stderr
    assert not (here / "ran").exists()
    assert nxtplay("lint", "site.yml", cwd=here).returncode == 4


def test_advice_is_for_lint_alone(here: Path) -> None:
    """What is accepted where ansible-core 2.19 refuses it."""
    conditions = ("x | length", "a and (b | upper or c)", "x | length > 0", "x is defined", "x")
    tasks = "".join(f"    - {{ping: , when: {when}}}\n" for when in conditions)
    head = "- hosts: localhost\n  vars: {x: [1], a: 1, b: b, c: c}\n  tasks:\n"
    (here / "site.yml").write_text(f"{head}{tasks}    - debug: {{var: x | length}}\n")
    done = nxtplay("lint", "--strict", "-i", "hosts.ini", "site.yml", cwd=here)
    assert (done.returncode, done.stdout) == (0, "site.yml: nothing wrong, 2 pieces of advice\n")
    assert [line for line in done.stderr.splitlines() if "-->" in line] == ["  --> site.yml:4:22", "  --> site.yml:5:22"]
    assert "advice" not in nxtplay("site.yml", cwd=here).stderr


def test_listing(here: Path) -> None:
    (here / "site.yml").write_text("- name: P\n  hosts: web\n  tasks:\n    - {name: A, ping: , tags: x}\n    - {name: B, ping: }\n")
    done = nxtplay("site.yml", "-i", "hosts.ini", "--list-tasks", "--list-hosts", "-t", "x", "-l", "web1", cwd=here)
    assert done.returncode == 0, done.stderr
    assert "      A\tTAGS: [x]" in done.stdout
    assert "      B" not in done.stdout
    assert "    hosts (1):\n      web1" in done.stdout
    (here / "site.yml").write_text("- hosts: web:!db\n  tasks: [{name: A, ping: , tags: [x, never]}]\n")
    done = nxtplay("site.yml", "-i", "hosts.ini", "--list-hosts", "--list-tags", cwd=here)
    assert "    pattern: ['web:!db']" in done.stdout
    assert "TASK TAGS: [never, x]" in done.stdout
    (here / "site.yml").write_text("- hosts: web\n  vars: {t: [x, y]}\n  tasks:\n    - {name: A, ping: , tags: '{{ t }}'}\n")
    assert "      A\tTAGS: [x, y]" in nxtplay("site.yml", "-i", "hosts.ini", "--list-tasks", "-t", "y", cwd=here).stdout


def test_a_notification_that_nobody_hears_may_be_a_warning(here: Path) -> None:
    (here / "site.yml").write_text("- hosts: localhost\n  gather_facts: false\n  tasks:\n    - {command: 'true', notify: nobody}\n")
    assert nxtplay("site.yml", cwd=here).returncode == 4
    (here / "ansible.cfg").write_text("[defaults]\nerror_on_missing_handler = false\n")
    done = nxtplay("site.yml", cwd=here)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "no handler 'nobody'" in done.stderr + done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_told_to_end_says_where_it_was(here: Path, number: signal.Signals) -> None:
    (here / "site.yml").write_text("- hosts: localhost\n  gather_facts: false\n  tasks:\n    - name: Wait\n      command: sleep 60\n")
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "nxtplay", "site.yml", "--json"]
    with subprocess.Popen(command, cwd=here, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["kind"] == "task_started":
                break
        process.send_signal(number)
        rest, errors = process.communicate(timeout=20)
    assert process.returncode == 99, errors
    assert json.loads(rest.splitlines()[-1])["recap"]["interrupted_at"].startswith("Wait")
    assert "Traceback" not in errors


def test_the_last_words_of_a_run_that_is_told_to_end(here: Path) -> None:
    """Handlers of the topic nxtplay_interrupted run, and only then."""
    (here / "site.yml").write_text(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - {command: 'true', register: begun}\n"
        "    - {name: Wait, command: sleep 60}\n"
        "  handlers:\n    - {listen: nxtplay_interrupted, copy: {dest: ./told, content: told}, when: begun is defined}\n"
        "    - {listen: nxtplay_interrupted, copy: {dest: ./not, content: told}, when: never is defined}\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "nxtplay", "site.yml", "--json"]
    with subprocess.Popen(command, cwd=here, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["kind"] == "task_started" and event["name"] == "Wait":
                break
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 99, errors
    assert (here / "told").read_text() == "told" and not (here / "not").exists()
    (here / "told").unlink()
    done = nxtplay("site.yml", "--check", cwd=here)
    assert done.returncode == 0 and not (here / "told").exists(), done.stdout
