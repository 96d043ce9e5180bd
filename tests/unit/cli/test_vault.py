"""`nxtplay vault`: nothing opened is left behind, and ansible-vault, where it is installed, reads what we write and the other way about."""

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nxtplay.errors import UsageError
from nxtplay.variables.vault import Vault

from .test_app import ROOT, nxtplay

ANSIBLE = os.environ.get("ANSIBLE_VAULT") or shutil.which("ansible-vault")
IDS = ("--vault-id", "dev@dev.txt", "--vault-id", "prod@say-client")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "password").write_text("open sesame\n")
    (tmp_path / "dev.txt").write_text("for dev\n")
    (tmp_path / "say-client").write_text('#!/bin/sh\ntest "$1" = --vault-id && echo "for $2"\n')
    (tmp_path / "say-client").chmod(0o755)
    return tmp_path


def vault(folder: Path, *words: str, stdin: bytes = b"", **environ: str) -> subprocess.CompletedProcess[bytes]:
    full = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **environ}
    command = [sys.executable, "-m", "nxtplay", "vault", *words]
    return subprocess.run(command, cwd=folder, env=full, input=stdin, capture_output=True, timeout=60, check=False, start_new_session=True)


def test_bytes_of_any_kind_come_back_through_pipes_and_files(here: Path) -> None:
    plain = bytes(range(256)) + b"\r\n"
    closed = vault(here, "encrypt", *IDS, "--encrypt-vault-id", "prod", stdin=plain)
    assert closed.stdout.startswith(b"$ANSIBLE_VAULT;1.2;AES256;prod\n"), closed.stderr
    (here / "bin").write_bytes(closed.stdout)
    assert vault(here, "decrypt", *IDS, "--output", "-", "bin").stdout == plain
    assert (here / "bin").read_bytes() == closed.stdout
    assert vault(here, "view", *IDS, "bin", "bin").stdout == plain + plain


def test_which_identity_encrypts_is_never_guessed() -> None:
    two = Vault([("dev", "a"), ("prod", "b"), ("dev", "c")])
    assert two.secret_for("dev") == ("dev", "a")
    with pytest.raises(UsageError, match="several identities: dev, prod"):
        two.encrypt("x")
    with pytest.raises(UsageError, match="'test'"):
        two.encrypt("x", "test")
    with pytest.raises(UsageError, match="no vault password"):
        Vault().encrypt("x")


def test_labels_by_configuration(here: Path) -> None:
    """vault_identity is the label of what has none; with vault_id_match only passwords of a text's own label are tried."""
    labelled = vault(here, "encrypt", "--vault-password-file", "password", stdin=b"x", ANSIBLE_VAULT_IDENTITY="dev")
    assert labelled.stdout.startswith(b"$ANSIBLE_VAULT;1.2;AES256;dev\n"), labelled.stderr
    (here / "text").write_bytes(labelled.stdout)
    crossed = ("--vault-id", "prod@password", "--vault-id", "dev@dev.txt", "text")
    assert vault(here, "view", *crossed).stdout == b"x"
    refused = vault(here, "view", *crossed, ANSIBLE_VAULT_ID_MATCH="1")
    assert (refused.returncode != 0, b"no vault password" in refused.stderr) == (True, True), refused
    assert vault(here, "view", "--vault-id", "dev@password", "text", ANSIBLE_VAULT_ID_MATCH="1").stdout == b"x"
    unlabelled = vault(here, "encrypt", "--vault-password-file", "password", stdin=b"y").stdout
    (here / "text").write_bytes(unlabelled)
    assert vault(here, "view", "--vault-id", "password", "text", ANSIBLE_VAULT_ID_MATCH="1").stdout == b"y"


def test_nothing_to_do_is_said(here: Path) -> None:
    alone = vault(here)
    assert (alone.returncode, alone.stderr.startswith(b"Usage: nxtplay vault"), b"error" in alone.stderr) == (5, True, False)
    for words in ((), ("",)):
        empty = vault(here, "encrypt-string", "--vault-password-file", "password", *words)
        assert (empty.returncode, empty.stdout, b"is empty" in empty.stderr) == (5, b"", True)


def test_edit_keeps_password_and_identity(here: Path) -> None:
    """Also where the password came without its label."""
    (here / "prod.txt").write_text("for prod")
    (here / "s").write_bytes(vault(here, "encrypt", *IDS, "--encrypt-vault-id", "prod", stdin=b"a: 1\n").stdout)
    edit = vault(here, "edit", "--vault-password-file", "prod.txt", "s", ANSIBLE_EDITOR="sh -c 'echo b: 2 >> \"$0\"'")
    assert edit.returncode == 0, edit.stderr
    assert (here / "s").read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;prod\n")
    assert vault(here, "view", *IDS, "s").stdout == b"a: 1\nb: 2\n"


def test_encrypt_string_in_all_its_forms(here: Path) -> None:
    key = ("--vault-password-file", "password")
    done = vault(here, "encrypt_string", *key, "--name", "one", "--name", "two", "--stdin-name", "three", "1", "2", stdin=b"3\n")
    (here / "vars.yml").write_bytes(done.stdout)
    (here / "play.yml").write_text(
        "- hosts: localhost\n  gather_facts: false\n  vars_files: [vars.yml]\n  tasks:\n"
        "    - copy: {dest: out, content: '{{ one }}{{ two }}{{ three }}'}\n"
    )
    ran = nxtplay("play.yml", *key, cwd=here)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (here / "out").read_text() == "123\n"


@pytest.mark.parametrize("how", ["fails", "is killed", "Ctrl-C", "SIGTERM"])
def test_nothing_opened_is_left_behind(here: Path, how: str) -> None:
    (here / "s").write_bytes(vault(here, "encrypt", "--vault-password-file", "password", stdin=b"word: swordfish\n").stdout)
    before = (here / "s").read_bytes()
    end = {"fails": "exit 3", "is killed": "kill -9 $$", "Ctrl-C": "exec sleep 60", "SIGTERM": "exec sleep 60"}[how]
    (here / "editor").write_text(f'#!/bin/sh\necho "$1" > {here}/place\n{end}\n')
    (here / "editor").chmod(0o755)
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "EDITOR": str(here / "editor"), "VISUAL": ""}
    command = [sys.executable, "-m", "nxtplay", "vault", "edit", "--vault-password-file", "password", "s"]
    process = subprocess.Popen(command, cwd=here, env=environ, stderr=subprocess.PIPE, text=True, start_new_session=True)
    if "sleep" in end:
        until = time.monotonic() + 30
        while not (here / "place").exists() and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.1)
        if how == "Ctrl-C":
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.terminate()
    _, told = process.communicate(timeout=30)
    assert process.returncode not in (0, -9), told
    assert "Traceback" not in told
    assert not Path((here / "place").read_text().strip()).parent.exists()
    assert (here / "s").read_bytes() == before


def test_a_wrong_password_is_one_clear_error(here: Path) -> None:
    (here / "s").write_bytes(vault(here, "encrypt", "--vault-password-file", "password", stdin=b"x").stdout)
    (here / "other").write_text("another")
    wrong = vault(here, "view", "--vault-password-file", "other", "s")
    assert (wrong.returncode, wrong.stdout) == (1, b"")
    assert wrong.stderr.count(b"error:") == 1
    assert b"--> s" in wrong.stderr


@pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed")
@pytest.mark.parametrize("words", [("--vault-password-file", "password"), (*IDS, "--encrypt-vault-id", "prod")], ids=["1.1", "1.2"])
def test_ansible_vault_reads_ours_and_we_read_its(here: Path, words: tuple[str, ...]) -> None:
    assert ANSIBLE is not None
    keys = words[:4] if len(words) > 2 else words
    (here / "ours").write_bytes(vault(here, "encrypt", *words, stdin=b"ours: \xc3\xa4\n").stdout)
    (here / "theirs").write_bytes(b"theirs: \xc3\xa4\n")
    subprocess.run([ANSIBLE, "encrypt", *words, "theirs"], cwd=here, check=True, capture_output=True)
    assert subprocess.run([ANSIBLE, "view", *keys, "ours"], cwd=here, check=True, capture_output=True).stdout.strip() == b"ours: \xc3\xa4"
    assert vault(here, "view", *keys, "theirs").stdout == b"theirs: \xc3\xa4\n"
    assert subprocess.run([ANSIBLE, "rekey", *keys, "--new-vault-password-file", "dev.txt", "ours"], cwd=here, check=False).returncode == 0
    assert vault(here, "view", "--vault-password-file", "dev.txt", "ours").stdout == b"ours: \xc3\xa4\n"


def test_a_password_is_asked_for_at_the_terminal_where_stdin_is_none(here: Path) -> None:
    (here / "secret").write_bytes(vault(here, "encrypt", "--vault-password-file", "password", stdin=b"plain").stdout)
    process, terminal = pty.fork()
    if process == 0:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(here / "out", os.O_WRONLY | os.O_CREAT), 1)
        os.chdir(here)
        words = [sys.executable, "-m", "nxtplay", "vault", "view", "-J", "secret"]
        os.execve(sys.executable, words, {**os.environ, "PYTHONPATH": str(ROOT)})
    while b":" not in os.read(terminal, 1000):  # what is typed before the prompt is thrown away
        pass
    os.write(terminal, b"open sesame\n")
    assert os.waitpid(process, 0)[1] == 0
    os.close(terminal)
    assert (here / "out").read_text() == "plain"


def test_files_that_are_encrypted_come_to_hosts_plain(here: Path) -> None:
    script = b"#!/bin/sh\necho it ran\n"
    for name, plain in {"files/secret": bytes(range(256)), "templates/t.j2": b"it is {{ 1 + 1 }}\n", "files/s.sh": script}.items():
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_bytes(vault(here, "encrypt", "--vault-password-file", "password", stdin=plain).stdout)
    (here / "p.yml").write_text(
        """
- hosts: localhost
  gather_facts: false
  tasks:
    - {copy: {src: secret, dest: "{{ playbook_dir }}/one"}}
    - {copy: {src: files/, dest: "{{ playbook_dir }}/tree"}}
    - {copy: {src: secret, dest: "{{ playbook_dir }}/closed", decrypt: false}}
    - {template: {src: t.j2, dest: "{{ playbook_dir }}/two"}}
    - {script: s.sh}
"""
    )
    done = nxtplay("p.yml", "-v", "--diff", "--vault-password-file", "password", cwd=here)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (here / "one").read_bytes() == (here / "tree" / "secret").read_bytes() == bytes(range(256))
    assert (here / "closed").read_bytes() == (here / "files" / "secret").read_bytes()
    assert (here / "two").read_text() == "it is 2\n"
    assert "it ran" in done.stdout
    assert "echo it ran" not in done.stdout  # what lay there encrypted is in no difference
    without = nxtplay("p.yml", cwd=here)
    assert without.returncode == 2
    assert f"cannot decrypt {here}/files/secret" in without.stdout


def test_passwords_that_cannot_be_had_are_passed_over_while_there_is_another(here: Path) -> None:
    names = {"ANSIBLE_VAULT_IDENTITY_LIST": "gone@nowhere, main@password"}
    closed = vault(here, "encrypt", stdin=b"x", **names)
    assert closed.stdout.startswith(b"$ANSIBLE_VAULT;1.2;AES256;main\n")
    assert b"warning: cannot read the vault password file nowhere" in closed.stderr
    assert vault(here, "encrypt", "--encrypt-vault-id", "gone", stdin=b"x", **names).returncode == 5
    assert vault(here, "encrypt", "--vault-id", "gone@nowhere", stdin=b"x").returncode == 5


def test_a_password_file_that_is_a_vault(here: Path) -> None:
    (here / "closed").write_bytes(vault(here, "encrypt", "--vault-password-file", "password", stdin=b"inner\n").stdout)
    (here / "inner").write_text("inner")
    (here / "s").write_bytes(vault(here, "encrypt", "--vault-password-file", "inner", stdin=b"x").stdout)
    both = ("--vault-id", "password", "--vault-id", "closed")
    assert vault(here, "view", *both, "s").stdout == b"x"
    assert vault(here, "view", "--vault-id", "closed", "s").returncode == 5
    assert b"several identities" in vault(here, "encrypt", *both, stdin=b"x").stderr


def test_the_configured_password_opens_besides_those_given(here: Path) -> None:
    told = {"ANSIBLE_VAULT_PASSWORD_FILE": "password", "ANSIBLE_VAULT_ENCRYPT_SALT": "salt"}
    (here / "other").write_text("another")
    (here / "s").write_bytes(vault(here, "encrypt", stdin=b"x", **told).stdout)
    assert vault(here, "view", "--vault-password-file", "other", "s", **told).stdout == b"x"
    assert vault(here, "encrypt", stdin=b"x", **told).stdout == (here / "s").read_bytes()
    mine = vault(here, "encrypt", "--vault-password-file", "other", stdin=b"x", **told).stdout
    assert vault(here, "decrypt", "--vault-password-file", "other", stdin=mine).stdout == b"x"


def test_a_password_by_stdin_where_there_is_no_terminal(here: Path) -> None:
    (here / "s").write_bytes(vault(here, "encrypt", "--vault-password-file", "password", stdin=b"x").stdout)
    assert vault(here, "view", "--ask-vault-pass", "s", stdin=b"open sesame\n").stdout == b"x"
    assert vault(here, "view", "--ask-vault-pass", "s", stdin=b"").returncode == 5
    assert vault(here, "view", "--ask-vault-pass", "s", stdin=b"wrong\n").returncode == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hosts", "[web]\na word=told ansible_connection=local\n"),
        ("hosts.ini", "[web]\na word=told ansible_connection=local\n"),
        ("hosts.toml", '[web.hosts]\na = {word = "told", ansible_connection = "local"}\n'),
        ("hosts.yml", "web: {hosts: {a: {word: told, ansible_connection: local}}}\n"),
        ("plain", "all:\n  hosts: {a: {word: told, ansible_connection: local}}\n"),
    ],
)
def test_inventories_of_every_kind_may_be_encrypted(here: Path, name: str, text: str) -> None:
    (here / name).write_bytes(vault(here, "encrypt", "--vault-password-file", "password", stdin=text.encode()).stdout)
    words = ("exec", "a", "-i", name, "-m", "copy", "-a", "content={{word}} dest=out")
    assert nxtplay(*words, cwd=here).returncode == 4
    assert nxtplay(*words, "--vault-password-file", "password", cwd=here).returncode == 0
    assert (here / "out").read_text() == "told"
