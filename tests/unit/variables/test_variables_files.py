"""Variables files, group_vars, include_vars, .env and vaults."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nxtplay.core.state import Secret
from nxtplay.errors import UsageError, VariableError
from nxtplay.playbook import source
from nxtplay.playbook.source import read
from nxtplay.template import vaulttext
from nxtplay.variables.files import VarsDirectory, include_vars, load_file, merged, read_env
from nxtplay.variables.vault import Vault

Write = Callable[[str, str], str]


@pytest.fixture
def at(tmp_path: Path) -> Write:
    def write(name: str, text: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    return write


class TestDirectories:
    def test_the_first_form_of_a_name_counts(self, at: Write, tmp_path: Path) -> None:
        for name, text in (
            ("g/web.yml", "a: file"),
            ("g/db", "a: bare"),
            ("g/db.yml", "a: yml"),
            ("g/x.yaml", "a: yaml"),
            ("g/x.json", '{"a": 1}'),
        ):
            at(name, text)
        at("g/web/20.yaml", "a: second")
        at("g/web/10.yml", "a: first\nb: first")
        at("g/web/sub/z.json", '{"c": "sub"}')
        at("g/web/noext", "d: noext")
        for passed_over in ("g/web/.hidden.yml", "g/web/a.yml~", "g/web/foo.txt"):
            at(passed_over, "zz: 1")
        directory = VarsDirectory(str(tmp_path / "g"), read=read)
        out: dict[str, object] = {}
        for _, values in directory.of("web"):
            out.update(values)
        assert out == {"a": "second", "b": "first", "c": "sub", "d": "noext"}
        assert directory.of("db")[0][1] == {"a": "bare"}
        assert directory.of("x")[0][1] == {"a": "yaml"}
        assert directory.of("nobody") == []

    def test_no_directory(self, tmp_path: Path) -> None:
        assert VarsDirectory(str(tmp_path / "none"), read=read).of("all") == []


def test_what_is_no_mapping_is_told(at: Write) -> None:
    assert load_file(at("empty.yml", "# nothing\n"), read=read) == {}
    with pytest.raises(VariableError, match="holds a list"):
        load_file(at("list.yml", "- a\n"), read=read)


class TestIncludeVars:
    def test_file_and_name(self, at: Write) -> None:
        path = at("v.yml", "a: 1\nb: {c: 2}\n")
        assert include_vars({"file": "v.yml"}, find=lambda name: ["/nope/" + name, path], read=read) == ({"a": 1, "b": {"c": 2}}, [path])
        assert include_vars({"_raw_params": "v.yml", "name": "n"}, find=lambda name: [path], read=read)[0] == {"n": {"a": 1, "b": {"c": 2}}}

    def test_directory(self, at: Write, tmp_path: Path) -> None:
        for name, text in (
            ("d/a.yml", "x: a\nm: {a: 1}"),
            ("d/b.json", '{"x": "b", "m": {"b": 2}}'),
            ("d/c.txt", "x: c"),
            ("d/sub/d.yml", "y: d"),
        ):
            at(name, text)
        folder = str(tmp_path / "d")

        def values(**args: object) -> dict[str, object]:
            return include_vars({"dir": "d", "ignore_unknown_extensions": True, **args}, find=lambda name: [folder], read=read)[0]

        assert values() == {"x": "b", "m": {"b": 2}, "y": "d"}
        assert values(depth=1) == {"x": "b", "m": {"b": 2}}
        assert values(extensions=["yml"]) == {"x": "a", "m": {"a": 1}, "y": "d"}
        assert values(ignore_files=["b.json"], depth=1) == {"x": "a", "m": {"a": 1}}
        assert values(files_matching="^b") == {"x": "b", "m": {"b": 2}}
        assert values(hash_behaviour="merge")["m"] == {"a": 1, "b": 2}
        assert values(ignore_unknown_extensions=False, files_matching="[ab]")["x"] == "b"
        with pytest.raises(VariableError, match=r"c\.txt does not have a valid extension: yml, yaml, json"):
            values(ignore_unknown_extensions=False)

    @pytest.mark.parametrize(
        ("args", "message"),
        [
            ({}, "either file or dir"),
            ({"file": "a", "dir": "b"}, "either file or dir"),
            ({"fil": "a"}, "did you mean 'file'"),
            ({"file": "nowhere.yml"}, "looked for: /x/nowhere.yml"),
            ({"file": "/"}, "is a directory"),
        ],
    )
    def test_faults(self, args: dict[str, str], message: str) -> None:
        with pytest.raises(VariableError, match=message):
            include_vars(args, find=lambda name: [name if name == "/" else f"/x/{name}"], read=read)


def test_env_files_hold_secrets(at: Write) -> None:
    path = at(".env.production", "# c\n\nA=plain text\nexport B='si $x ngle'\nC=\"dou\\nble\"\nD=x # note\nE=\nF=a#b\n")
    values = read_env(path)
    assert values == {"A": "plain text", "B": "si $x ngle", "C": "dou\nble", "D": "x", "E": "", "F": "a#b"}
    assert all(isinstance(value, Secret) for value in values.values())
    assert load_file(path, read=read) == values
    assert values.values_at["B"].line == 4  # type: ignore[attr-defined]
    with pytest.raises(VariableError, match=r"bad\.env:1:1"):
        read_env(at("bad.env", "no equals secret\n"))


trees = st.recursive(st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=6)
dicts = st.dictionaries(st.sampled_from("abc"), trees, max_size=3)


@given(dicts, dicts, dicts)
def test_merging_is_associative(a: dict[str, object], b: dict[str, object], c: dict[str, object]) -> None:
    assert merged(merged(a, b), a) == merged(a, merged(b, a))
    assert merged(a, {}) == merged({}, a) == merged(a, a) == a
    assert set(merged(a, merged(b, c))) == set(a) | set(b) | set(c)


class TestVault:
    # made with `ansible-vault encrypt_string --vault-password-file` (password "pw"), so that we read what others wrote
    @settings(max_examples=20, deadline=None)
    @given(
        st.text(alphabet=st.characters(exclude_categories=("Cs",))), st.text(min_size=1, alphabet="abcXYZ é"), st.sampled_from(["", "prod"])
    )
    def test_opens_what_it_closed(self, plain: str, password: str, label: str) -> None:
        text = vaulttext.encrypt(plain, password, label=label)
        assert vaulttext.is_vault(text)
        assert vaulttext.label_of(text) == label
        assert vaulttext.decrypt(text, [("x", "other"), ("prod", password)]) == plain
        with pytest.raises(VariableError, match="opens this text"):
            vaulttext.decrypt(text, [("x", password + "!")])

    def test_faults(self) -> None:
        text = vaulttext.encrypt("x", "pw")
        with pytest.raises(VariableError, match="--vault-password-file"):
            vaulttext.decrypt(text, [])
        with pytest.raises(VariableError, match="damaged"):
            vaulttext.decrypt("$ANSIBLE_VAULT;1.1;AES256\nzz", [("", "pw")])
        with pytest.raises(VariableError, match="no vault header"):
            vaulttext.decrypt("$ANSIBLE_VAULT;9.9;AES256\n00", [("", "pw")])

    def test_command_line(self, at: Write) -> None:
        script = Path(at("ask-client", '#!/bin/sh\necho "pw-$2"\n'))
        script.chmod(0o755)
        vault = Vault.open([f"prod@{script}", "dev@prompt"], [at("pw", "filed\n")], prompt=lambda text: "typed")
        assert vault.secrets == (("prod", "pw-prod"), ("dev", "typed"), ("default", "filed"))
        text = vault.encrypt("hello", "dev")
        assert vaulttext.label_of(text) == "dev"
        assert vault.decrypt(text) == "hello"
        with pytest.raises(UsageError, match="cannot read"):
            Vault.open([], ["/nowhere"])
        with pytest.raises(UsageError, match="is empty"):
            Vault.open([], [at("none", "\n")])

    def test_whole_files(self, at: Write) -> None:
        vault = Vault([("", "pw")])
        path = at("secret.yml", vaulttext.encrypt("a: 1\n", "pw"))
        assert load_file(path, read=vault.reader(source.read)) == {"a": 1}
