"""Ansible's own forms of telling a run, for whoever asks for one: what scripts that read them find."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from nxtplay.cli.app import main

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  handlers:
    - {name: h, debug: {msg: handled}}
  tasks:
    - {name: say, debug: {msg: "hello"}}
    - {name: left out, command: "true", when: false}
    - {name: each, command: "echo {{ item }}", loop: [1, 2, 3], when: item != 2, notify: h, delegate_to: other}
    - {name: again, command: "false", register: r, until: r.rc == 0, retries: 1, delay: 0, ignore_errors: true}
    - {include_tasks: more.yml}
    - {include_role: {name: brought}}
    - {name: secret, debug: {msg: x}, no_log: true}
    - {name: last, fail: {msg: "no\\nmore"}}
- {hosts: nobody, tasks: []}
"""
DEFAULT = """
PLAY [localhost] ***************************************************************

TASK [say] *********************************************************************
ok: [localhost] => {
    "msg": "hello"
}

TASK [left out] ****************************************************************
skipping: [localhost]

TASK [each] ********************************************************************
changed: [localhost -> other] => (item=1)
skipping: [localhost] => (item=2)\x20
changed: [localhost -> other] => (item=3)

TASK [again] *******************************************************************
FAILED - RETRYING: [localhost]: again (1 retries left).
[ERROR]: Task failed: non-zero return code
Origin: play.yml:10:7

fatal: [localhost]: FAILED! => {"attempts": 1, "changed": true, "cmd": ["false"], TIMES}
...ignoring

TASK [include_tasks] ***********************************************************
included: HERE/more.yml for localhost

TASK [inside] ******************************************************************
ok: [localhost]

TASK [include_role : brought] **************************************************
included: brought for localhost

TASK [brought : of the role] ***************************************************
ok: [localhost]

TASK [secret] ******************************************************************
ok: [localhost]

TASK [last] ********************************************************************
[ERROR]: Task failed: no
more
Origin: play.yml:14:7

fatal: [localhost]: FAILED! => {"changed": false, "msg": "no\\nmore"}

PLAY RECAP *********************************************************************
localhost                  : ok=8    changed=2    unreachable=0    failed=1    skipped=1    rescued=0    ignored=1  \x20

"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "play.yml").write_text(PLAYBOOK)
    (tmp_path / "more.yml").write_text("- {name: inside, ping: }\n")
    (tmp_path / "roles/brought/tasks").mkdir(parents=True)
    (tmp_path / "roles/brought/tasks/main.yml").write_text("- {name: of the role, ping: }\n")
    (tmp_path / "hosts").write_text("localhost ansible_connection=local\nother ansible_connection=local\n")

    def run(*words: str, stderr: bool = False, **environ: str) -> str:
        with monkeypatch.context() as patched:
            for name, value in environ.items():
                patched.setenv(name if name.startswith("JUNIT") else f"ANSIBLE_{name}", value)
            main(["-i", "hosts", "play.yml", *words])
        captured = capsys.readouterr()
        text = captured.err if stderr else captured.out
        return re.sub(r'"delta".*?"stdout_lines": \[\]', "TIMES", text).replace(str(tmp_path), "HERE")

    return run


def test_the_default_form(told: Any) -> None:
    assert told(STDOUT_CALLBACK="default") == DEFAULT
    assert "TASK [" not in told()


def test_what_is_not_shown(told: Any) -> None:
    text = told(STDOUT_CALLBACK="default", DISPLAY_SKIPPED_HOSTS="false", DISPLAY_OK_HOSTS="false")
    assert "skipping:" not in text
    assert "TASK [left out]" not in text
    assert "TASK [say]" not in text
    assert "TASK [each]" in text
    assert "included: HERE/more.yml for localhost" in text  # what is included is told in any case
    assert "fatal:" not in told(STDOUT_CALLBACK="default", DISPLAY_FAILED_STDERR="true")
    assert told(STDOUT_CALLBACK="default", DISPLAY_FAILED_STDERR="true", stderr=True).count("fatal:") == 2
    assert "skipping:" not in told(STDOUT_CALLBACK="community.general.skippy")


def test_what_debug_tells_of_a_loop(told: Any, tmp_path: Path) -> None:
    loops = "[{debug: {msg: 'n{{ item }}'}, loop: [1]}, {debug: {var: item}, loop: [2]}, {debug: {msg: x}, loop: [3], when: false}]"
    (tmp_path / "play.yml").write_text(f"[{{hosts: localhost, gather_facts: false, tasks: {loops}}}]")
    text = told("-v", STDOUT_CALLBACK="default")
    assert '(item=1) => {\n    "msg": "n1"\n}\n' in text
    assert '(item=2) => {\n    "item": 2\n}\n' in text
    assert 'skipping: [localhost] => (item=3)  => {"false_condition": false, "item": 3}\n' in text
    assert 'skipping: [localhost] => {"msg": "All items skipped"}\n' in text


def test_items_have_their_whole_name_where_ansibles_form_tells_them(told: Any, tmp_path: Path) -> None:
    item = "x" * 150
    (tmp_path / "play.yml").write_text(f"[{{hosts: localhost, gather_facts: false, tasks: [{{command: 'true', loop: [{item}]}}]}}]")
    assert f"changed: [localhost] => (item={item})\n" in told(STDOUT_CALLBACK="default")
    assert f"(item={'x' * 99}…)" in told()


def test_a_task_decides_about_its_differences(told: Any, tmp_path: Path) -> None:
    def play(diff: str, *words: str, **environ: str) -> str:
        (tmp_path / "f").write_text("old\n")
        task = f"{{copy: {{dest: {tmp_path}/f, content: \"new\\n\"}}{diff}}}"
        (tmp_path / "play.yml").write_text(f"[{{hosts: localhost, gather_facts: false, tasks: [{task}]}}]")
        return str(told(*words, **environ))

    shown = "--- before: HERE/f\n+++ after: HERE/f\n@@ -1 +1 @@\n-old\n+new\n\nchanged: [localhost]\n"
    for form in ({"STDOUT_CALLBACK": "default"}, {}):
        assert "+new" not in play("", **form)
        assert "+new" in play("", "--diff", **form)
        assert "+new" in play(", diff: true", **form)
        assert "+new" not in play(", diff: false", "--diff", **form)
    assert shown in play(", diff: true", STDOUT_CALLBACK="default")


def test_the_log_is_of_the_same_form(told: Any, tmp_path: Path) -> None:
    told(STDOUT_CALLBACK="default", LOG_PATH=str(tmp_path / "classic.log"))
    lines = (tmp_path / "classic.log").read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} p=\d+ u=\S+ n=nxtplay (INFO|WARNING|ERROR)\| ", line) for line in lines)
    assert [line for line in lines if "ERROR| fatal: [localhost]: FAILED!" in line]
    assert [line for line in lines if "INFO| TASK [say] ***" in line]
    told(LOG_PATH=str(tmp_path / "own.log"))
    assert "PLAY [localhost] on localhost" in (tmp_path / "own.log").read_text()


def test_results_as_yaml(told: Any) -> None:
    for chosen in ({"STDOUT_CALLBACK": "yaml"}, {"STDOUT_CALLBACK": "default", "CALLBACK_RESULT_FORMAT": "yaml"}):
        text = told(**chosen)
        assert "ok: [localhost] => \n    msg: hello\n" in text
        assert "    msg: |-\n      no\n      more\n" in text


def test_results_alone(told: Any) -> None:
    assert 'localhost | SUCCESS => {\n    "changed": false,\n    "msg": "hello"\n}\n' in told(STDOUT_CALLBACK="minimal")
    lines = told(STDOUT_CALLBACK="oneline").splitlines()
    assert lines[0] == 'localhost | SUCCESS => {"changed": false, "msg": "hello"}'
    assert "localhost | FAILED | rc=1 | (msg) non-zero return code" in lines[3] or lines[3].startswith("localhost | FAILED | rc=1")
    assert len(lines) == 10


def test_one_document(told: Any) -> None:
    document = json.loads(told(STDOUT_CALLBACK="json"))
    tasks = document["plays"][0]["tasks"]
    brought = ["include_role : brought", "brought : of the role"]
    names = ["say", "left out", "each", "again", "include_tasks", "inside", *brought, "secret", "last"]
    assert [task["task"]["name"] for task in tasks] == names
    assert tasks[0]["hosts"]["localhost"] == {"action": "debug", "changed": False, "msg": "hello"}
    assert [one["item"] for one in tasks[2]["hosts"]["localhost"]["results"]] == [1, 2, 3]
    assert "msg" not in tasks[8]["hosts"]["localhost"]
    assert document["stats"]["localhost"] == {
        "ok": 8, "changed": 2, "unreachable": 0, "failures": 1, "skipped": 1, "rescued": 0, "ignored": 1
    }  # fmt: skip


def test_additions(told: Any, tmp_path: Path) -> None:
    folders = {"JUNIT_OUTPUT_DIR": str(tmp_path / "junit"), "CALLBACK_TREE_DIR": str(tmp_path / "tree")}
    text = told(CALLBACKS_ENABLED="timer, ansible.posix.profile_tasks, junit, tree", STDOUT_CALLBACK="default", **folders)
    assert "Playbook run took 0 days, 0 hours, 0 minutes, " in text
    assert len(re.findall(r"^\w+day \d\d .* \(0:00:0\d\.\d{3}\) +0:00:0\d\.\d{3} \*+ $", text, re.MULTILINE)) == 11
    slowest = text.rpartition("=\x20\n")[2].splitlines()
    assert sorted(line.partition(" -")[0] for line in slowest) == sorted(
        ["say", "left out", "each", "again", "include_tasks", "inside", "include_role : brought", "brought : of the role", "secret", "last"]
    )
    assert {len(line) for line in slowest} == {79}
    (report,) = (tmp_path / "junit").glob("play-*.xml")
    assert ElementTree.parse(report).getroot()[0].get("failures") == "1"
    assert json.loads((tmp_path / "tree" / "localhost").read_text())["msg"] == "no\nmore"


GIVEN = """
- hosts: all
  gather_facts: false
  tasks:
    - set_stats: {data: {n: 1, l: [1], d: {a: 1, b: {c: 1}}, s: x, b: true}}
    - set_stats: {data: {n: 2, d: {b: {e: 2}}}, aggregate: false}
      run_once: true
    - set_stats: {data: {h: "{{ inventory_hostname }}", n: 3}, per_host: true}
    - set_stats: {data: {n: "{{ item }}", d: {b: {e: "{{ item }}"}}, m: "a"}}
      loop: [5, 6]
"""
CUSTOM = """\
\tlocalhost: { "h": "localhost", "n": 3}
\tother: { "h": "other", "n": 3}
\tRUN: { "b": 2, "d": {  "b": {   "e": 6  } }, "l": [  1,  1 ], "m": "aaaa", "n": 24, "s": "xx"}
"""


def test_what_set_stats_was_given(told: Any, tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text(GIVEN)
    assert told(STDOUT_CALLBACK="default", SHOW_CUSTOM_STATS="1").endswith(f"\nCUSTOM STATS: {'*' * 66}\n{CUSTOM}\n")
    assert f"CUSTOM STATS\n{CUSTOM}".replace("\t", "  ") in told(SHOW_CUSTOM_STATS="1")
    assert "CUSTOM" not in told()
    document = json.loads(told(STDOUT_CALLBACK="json"))
    assert document["global_custom_stats"] == {"b": 2, "d": {"b": {"e": 6}}, "l": [1, 1], "m": "aaaa", "n": 24, "s": "xx"}
    assert document["custom_stats"] == {"localhost": {"h": "localhost", "n": 3}, "other": {"h": "other", "n": 3}}


SECRETS = """
- hosts: localhost
  gather_facts: false
  no_log: true
  tasks:
    - {debug: {msg: "{{ item }}"}, loop: [one_secret, two_secret], when: item != 'one_secret'}
    - {command: "echo {{ item }}", loop: [a_secret], when: false, loop_control: {label: "b_secret"}}
    - {fail: {msg: c_secret}, ignore_errors: true}
    - {debug: {msg: said}, loop: [1], no_log: false}
"""


@pytest.mark.parametrize("form", ["default", "yaml", "json", "minimal", "oneline", ""])
def test_no_log_hides_what_was_left_out_too(told: Any, tmp_path: Path, form: str) -> None:
    (tmp_path / "play.yml").write_text(SECRETS)
    for words in ([], ["-v"]):
        text = told(*words, **({"STDOUT_CALLBACK": form} if form else {}))
        assert "_secret" not in text
        assert "said" in text


def test_no_log_is_told(told: Any, tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text(SECRETS)
    assert told("-v", STDOUT_CALLBACK="default").count("the output has been hidden") == 5
    text = told(STDOUT_CALLBACK="default")
    assert text.count("the output has been hidden") == 1
    assert 'ok: [localhost] => (item=1) => {\n    "msg": "said"\n}' in text


WARNER = """
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({})
module.deprecate("old ways", version="9.9", collection_name="own.own")
module.exit_json(changed=True)
"""


def test_what_a_module_says_is_going_away_is_told_once(told: Any, tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library/warner.py").write_text(WARNER)
    tasks = "[{warner: , loop: [1, 2]}, {warner: , no_log: true}]"
    (tmp_path / "play.yml").write_text(f"- hosts: localhost\n  gather_facts: false\n  tasks: {tasks}\n")
    text = told("-v", STDOUT_CALLBACK="default", stderr=True)
    assert text.count("[DEPRECATION WARNING]: localhost: old ways (to be removed in own.own 9.9)\n") == 1
    assert "old ways" not in told("-v", STDOUT_CALLBACK="default")
    assert "old ways" not in told(STDOUT_CALLBACK="default", stderr=True, DEPRECATION_WARNINGS="false")
    assert told().count("deprecated: localhost: old ways") == 1
