"""What configuration files and the environment say, and that runs do it."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from nxtplay.cli.configuration import Config, read
from nxtplay.cli.settings import ABSENT, HARMLESS, SETTINGS
from nxtplay.errors import UsageError

from .test_app import ROOT, nxtplay


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and a home that is empty too."""
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir(mode=0o755)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def said(text: str, path: Path) -> Config:
    path.write_text(text)
    return read({"ANSIBLE_CONFIG": str(path)})


def test_which_file_counts(here: Path) -> None:
    home = here.parent / "home"
    (home / ".ansible.cfg").write_text("[defaults]\nforks = 1\n")
    assert read({}).file == str(home / ".ansible.cfg")
    (here / "ansible.cfg").write_text("[defaults]\nforks = 2\n")
    assert (read({}).file, read({}).get("forks")) == ("ansible.cfg", 2)
    (here / "nxtplay.cfg").write_text("[defaults]\nforks = 3\n")
    assert read({}).get("forks") == 3
    (here / "other").mkdir()
    (here / "other" / "ansible.cfg").write_text("[defaults]\nforks = 4\n")
    assert read({"ANSIBLE_CONFIG": "other"}).get("forks") == 4
    assert read({"ANSIBLE_CONFIG": "other", "ANSIBLE_FORKS": "5"}).get("forks") == 5
    assert read({"ANSIBLE_FORKS": "5", "NXTPLAY_FORKS": "6"}).get("forks") == 6
    with pytest.raises(UsageError, match="there is no file"):
        read({"ANSIBLE_CONFIG": "nowhere.cfg"})


def test_a_file_that_anybody_may_have_written_is_not_read(here: Path) -> None:
    (here / "ansible.cfg").write_text("[defaults]\nforks = 2\n")
    here.chmod(0o777)
    found = read({})
    assert found.get("forks") is None
    assert "anybody may write" in found.warnings[0].message


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("[defaults]\nroles_path = roles:~/more ; ours\n", "roles_path", ("HERE/roles", "HOME/more")),
        ("[defaults]\ninventory = a.ini, b\n", "inventory", ("a.ini, b",)),
        ("[defaults]\ninventory = cfg, b\n", "inventory", ("HERE/cfg", "HERE/b")),
        ("[defaults]\nprivate_key_file: $HOME/key\n", "private_key_file", "HOME/key"),
        ("[defaults]\nvault_identity_list = a@b, c@prompt\n", "vault_identity_list", ("a@b", "c@prompt")),
        ("[privilege_escalation]\nbecome = yes\nbecome_user='x'\n", "become_user", "x"),
        ("[ssh_connection]\nssh_args = -o A=b -o C=%h\n", "ssh_args", "-o A=b -o C=%h"),
        ("[tags]\nrun = a,b\n", "tags_run", ("a", "b")),
        ("[defaults]\ngathering = smart\n", "gathering", "smart"),
        ("[defaults]\nforks =\n", "forks", None),
        ("\ufeff[defaults]\r\nforks = 3\r\n", "forks", 3),
    ],
)
def test_values(here: Path, text: str, name: str, value: Any) -> None:
    def placed(one: Any) -> Any:
        if isinstance(one, tuple):
            return tuple(map(placed, one))
        return one.replace("HERE", str(here)).replace("HOME", str(here.parent / "home")) if isinstance(one, str) else one

    assert said(text, here / "cfg").get(name) == placed(value)
    assert not said(text, here / "cfg").warnings


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("[defaults]\nforks = many\n", "cfg:2:1", "expected a number"),
        ("[defaults]\n\nbecome_ask_pass = 1\n[privilege_escalation]\nbecome = perhaps\n", "cfg:5:1", "expected true or false"),
        ("[defaults]\ngathering = lazy\n", "cfg:2:1", "expected implicit, explicit, smart"),
        ("forks = 3\n", "cfg:1:1", "no section headers"),
        ("[defaults]\nforks = 3\nforks = 4\n", "cfg:3:1", "already exists"),
        ("[defaults]\nroles_path = a\0b\n", "cfg:2:1", "NUL"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(here: Path, text: str, where: str, message: str) -> None:
    with pytest.raises(UsageError) as told:
        said(text, here / "cfg")
    assert message in told.value.diagnostics[0].message
    assert str(told.value.diagnostics[0].span).endswith(where)


def test_no_text(here: Path) -> None:
    (here / "cfg").write_bytes(b"[defaults]\nforks = \xff\n")
    with pytest.raises(UsageError, match="UTF-8"):
        read({"ANSIBLE_CONFIG": "cfg"})


def test_what_has_no_effect_is_told_and_what_makes_no_difference_is_not(here: Path) -> None:
    text = "[defaults]\nerror_on_undefined_vars = no\nremote_usr = me\nbecome = 1\ndeprecation_warnings = 0\naction_plugins = nowhere\n"
    told = said(text + "[ssh_connection]\npipelining = true\n[callback_x]\ny = 1\n", here / "cfg").warnings
    assert [(one.span.line if one.span else 0, one.message.split("'")[1]) for one in told] == [
        (2, "error_on_undefined_vars"), (3, "remote_usr"), (4, "become")
    ]  # fmt: skip
    assert "remote_user" in told[1].hint
    assert "privilege_escalation" in told[2].hint
    assert not said("[defaults]\nerror_on_undefined_vars = True\nstdout_callback = yaml\n", here / "cfg").warnings
    assert not read({"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "ANSIBLE_CALLBACKS_ENABLED": "timer, junit"}).warnings
    unknown = read({"ANSIBLE_STDOUT_CALLBACK": "dense", "ANSIBLE_CALLBACKS_ENABLED": "timer,ara_default"}).warnings
    assert ["dense" in unknown[0].message, "ara_default" in unknown[1].message, len(unknown)] == [True, True, 2]
    with pytest.raises(UsageError, match="remote_usr"):
        said("[defaults]\nremote_usr = me\n", here / "nxtplay.cfg")


def test_every_setting_is_in_the_documentation() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    for setting in SETTINGS.values():
        assert any(f"`{key.split('.')[1]}`" in text for key in setting.keys), setting.name
    known = [key for setting in SETTINGS.values() for key in setting.keys] + [one.key for one in ABSENT]
    assert not {f"{section}.{key}" for section, keys in HARMLESS.items() for key in keys} & set(known)


# -- runs


def play(folder: Path, text: str, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    (folder / "play.yml").write_text(text)
    return nxtplay("play.yml", *words, cwd=folder, environ={"HOME": str(folder.parent / "home"), **environ})


def test_facts_are_kept_between_runs(here: Path) -> None:
    (here / "ansible.cfg").write_text(
        "[defaults]\ninventory = a,b,\ntransport = local\ngathering = smart\nfact_caching = jsonfile\nfact_caching_connection = kept\n"
    )
    text = """
- hosts: all
  tasks:
    - set_fact: {mark: 5, cacheable: true}
      when: inventory_hostname == 'a' and mark is not defined
    - debug: {msg: "{{ mark | default('none') }} {{ ansible_system }} {{ hostvars.a.mark | default('gone') }}"}
- hosts: all
  tasks: []
"""
    assert play(here, text, "-C").stdout.count("Gathering") == 2  # for two plays: of two hosts, once each
    assert not (here / "kept").exists()
    first = play(here, text)
    assert "5 Linux 5" in first.stdout
    assert "none Linux 5" in first.stdout
    assert sorted(path.name for path in (here / "kept").iterdir()) == ["a", "b"]
    again = play(here, text)
    assert "Gathering" not in again.stdout
    assert "skipped     a" in again.stdout
    kept = play(here, "- hosts: a\n  gather_facts: false\n  tasks: [{debug: {msg: 'mark {{ mark }}'}}]\n")  # it is defined
    assert "mark 5" in kept.stdout, kept.stderr
    assert play(here, text, "--flush-cache").stdout.count("Gathering") == 2
    os.utime(here / "kept" / "b", (0, 0))
    assert play(here, text).stdout.count("Gathering") == 1
    play(here, "- hosts: all\n  gather_facts: false\n  tasks: [{meta: clear_facts}]\n")
    assert not list((here / "kept").iterdir())


def test_a_retry_file_limits_the_next_run(here: Path) -> None:
    (here / "nxtplay.cfg").write_text("[defaults]\ninventory = a,b,\ntransport = local\nretry_files_enabled = yes\nlog_path = logs/run\n")
    text = "- hosts: all\n  gather_facts: false\n  tasks: [{fail: , when: inventory_hostname == 'b'}]\n"
    assert play(here, text).returncode == 2
    assert (here / "play.retry").read_text() == "b\n"
    again = play(here, text, "-l", "@play.retry")
    assert "a :" not in again.stdout
    assert (here / "logs" / "run").read_text().count("PLAY RECAP") == 2
    assert (here / "logs" / "run").stat().st_mode & 0o777 == 0o600


def test_mappings_merge_where_that_is_asked_for(here: Path) -> None:
    text = """
- hosts: localhost
  gather_facts: false
  vars: {d: {a: 1, deep: {x: "{{ 1 + 1 }}"}}}
  tasks:
    - debug: {msg: "{{ d.a }} {{ d.b }} {{ d.deep.x }} {{ d.deep.y }}"}
      vars: {d: {b: 2, deep: {y: 3}}}
"""
    assert "1 2 2 3" in play(here, text, ANSIBLE_HASH_BEHAVIOUR="merge").stdout
    assert play(here, text).returncode != 0


def test_gathering_and_defaults_of_plays(here: Path) -> None:
    text = "- hosts: a,b\n  tasks:\n    - fail: {msg: '{{ word }}'}\n      when: inventory_hostname == 'a'\n    - debug: {msg: on}\n"
    words = ("-i", "a,b,", "-c", "local", "-e", "word=secret")
    assert "Gathering" not in play(here, text, *words, ANSIBLE_GATHERING="explicit").stdout
    assert "b : ok=2" in play(here, text, *words).stdout
    ended = play(here, text, *words, ANSIBLE_ANY_ERRORS_FATAL="1", ANSIBLE_NO_LOG="1").stdout
    assert "b : ok=1" in ended
    assert "secret" not in ended


def test_inventories_that_cannot_be_read_and_plays_without_hosts(here: Path) -> None:
    def code(**environ: str) -> int:
        return play(here, "[{hosts: nobody, tasks: []}]", "-i", "gone", "-i", "there", **environ).returncode

    (here / "there").write_text("h1\n")
    lenient = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "false"}
    assert code() == 4
    assert code(**lenient) == 0
    assert code(**lenient, ANSIBLE_INVENTORY_UNPARSED_FAILED="true") == 0
    assert code(**lenient, ANSIBLE_HOST_PATTERN_MISMATCH="error") == 4
    assert "no host matches" in play(here, "[{hosts: nobody, tasks: []}]").stdout
    assert "no host matches" not in play(here, "[{hosts: nobody, tasks: []}]", ANSIBLE_HOST_PATTERN_MISMATCH="ignore").stdout
    (here / "there").unlink()
    assert code(**lenient) == 0
    assert code(**lenient, ANSIBLE_INVENTORY_UNPARSED_FAILED="true") == 4


def test_groups_get_names_that_variables_may_have(here: Path) -> None:
    (here / "hosts").write_text("[web-1]\nlocalhost ansible_connection=local\n[a.b:children]\nweb-1\n[web-1:vars]\nv=1\n")
    tasks = "[{group_by: {key: new-group}}, {debug: {msg: \"{{ groups | sort | join(',') }} {{ v }}\"}}]"
    text = f"[{{hosts: a_b, gather_facts: false, tasks: {tasks}}}]"
    assert "a_b,all,new_group,ungrouped,web_1 1" in play(here, text, "-i", "hosts", ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS="silently").stdout


def test_the_folder_of_collections_may_be_named_itself(here: Path) -> None:
    modules = here / "shared/ansible_collections/a/b/plugins/modules"
    modules.mkdir(parents=True)
    (modules / "m.sh").write_text("echo '{\"changed\": false}'\n")
    (modules / "m.py").write_text("print('{\"changed\": false}')\n")
    for path in ("shared", "shared/ansible_collections", "shared/ansible_collections/"):
        done = play(here, "- {hosts: localhost, gather_facts: false, tasks: [a.b.m: ]}\n", ANSIBLE_COLLECTIONS_PATH=path)
        assert done.returncode == 0, done.stdout + done.stderr
