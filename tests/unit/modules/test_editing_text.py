"""blockinfile and replace: the text that an edit makes, without a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nxtplay.core.converge import converge
from nxtplay.core.host import Reader
from nxtplay.core.resource import ArgErrors, decode
from nxtplay.core.world import World
from nxtplay.modules.blockinfile import Blockinfile
from nxtplay.modules.group import Group
from nxtplay.modules.ini_file import IniFile
from nxtplay.modules.known_hosts import KnownHosts
from nxtplay.modules.lineinfile import Lineinfile
from nxtplay.modules.replace import Replace
from nxtplay.modules.user import User, _User

TEXT = b"one\n  (two\nthree\none\n  (two\n"


def block(text: bytes, **anchor: str) -> bytes:
    return decode(Blockinfile, {"path": "/f", "block": "x", "marker": "{mark}", **anchor}).edit(text)


def test_a_multiline_anchor_is_looked_for_across_lines() -> None:
    added = b"BEGIN\nx\nEND\n"
    assert block(TEXT, insertafter=r"(?m)^one\n.*\(two") == b"one\n  (two\n" + added + b"three\none\n  (two\n"
    assert block(TEXT, insertbefore=r"(?m)two\nthree") == b"one\n" + added + b"  (two\nthree\none\n  (two\n"
    assert block(TEXT, insertafter=r"one\n.*\(two") == TEXT + added


def test_replace_tells_that_its_borders_are_not_there() -> None:
    edit = decode(Replace, {"path": "/f", "regexp": "e", "after": "three", "before": "nowhere"})
    assert edit.edit(TEXT) == TEXT
    assert str(edit.result(None, None)["msg"]).startswith("Pattern for before/after params did not match the given file")


def test_a_shell_below_the_home_is_expanded_and_else_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert decode(User, {"name": "u", "shell": "~/sh"})._shell() == "/home/me/sh"
    assert decode(User, {"name": "u", "shell": ""})._shell() == ""


def test_a_group_that_shares_a_number_needs_one() -> None:
    with pytest.raises(ArgErrors, match="gid"):
        decode(Group, {"name": "g", "non_unique": True})


def test_a_wrong_target_is_told_in_the_words_that_playbooks_look_for(tmp_path: Path) -> None:
    def told(**args: object) -> str:
        done = converge(decode(Lineinfile, {"line": "x", **args}), Reader(), World(), None)
        return str(done.result["msg"])

    assert told(path=str(tmp_path)) == f"Path {tmp_path} is a directory !"
    assert told(path=str(tmp_path / "f"), create=True, validate="/some/path").startswith("validate must contain %s: /some/path")


def test_one_of_several_sections_of_a_name() -> None:
    text = "[p]\na = 1\nb = 1\n[p]\na = 2\nb = 2\n"
    second = {"path": "/f", "section": "p", "section_has_values": [{"option": "a", "value": "2"}]}
    assert decode(IniFile, {**second, "option": "b", "value": "3"}).edited(text) == text.replace("b = 2", "b = 3")
    assert decode(IniFile, {**second, "state": "absent"}).edited(text) == "[p]\na = 1\nb = 1\n"
    third = {**second, "section_has_values": [{"option": "a", "value": "3"}], "option": "b", "value": "3"}
    assert decode(IniFile, third).edited(text) == text + "[p]\na = 3\nb = 3\n"


def test_where_an_option_goes() -> None:
    def edited(text: str, **args: object) -> str:
        return decode(IniFile, {"path": "/f", "section": "a", "option": "x", "value": "1", **args}).edited(text)

    assert edited("\ufeff[a]\ny=2\n[b]\n") == "[a]\ny=2\nx = 1\n[b]\n"
    assert edited("[ a ]\n; x=2\n") == "[ a ]\nx = 1\n"
    assert edited("[a]\n", section=" a ") == "[a]\nx = 1\n"
    assert edited("[a]\n# on x\n\n[b]\n") == "[a]\nx = 1\n# on x\n\n[b]\n"
    assert edited("[a]\nx = 1\nx = 2\n", value=None, state="absent", exclusive=False) == "[a]\nx = 1\nx = 2\n"


def test_a_marked_line_of_known_hosts_replaces_no_other() -> None:
    def edited(text: str, key: str, **args: str) -> str:
        return decode(KnownHosts, {"name": "*.example", "key": key, **args}).edit(text.encode()).decode()

    old, new = "@cert-authority *.example ssh-ed25519 AAAA", "@cert-authority *.example ssh-ed25519 BBBB"
    plain = "*.example ssh-ed25519 CCCC"
    assert edited(f"{old}\n", new) == f"{old}\n{new}\n"
    assert edited(f"{old}\n{new}\n", new) == f"{old}\n{new}\n"
    assert edited(f"{old}\n", plain) == f"{old}\n{plain}\n"
    assert edited(f"{old}\n{new}\n", new, state="absent") == f"{old}\n"


def test_a_password_that_is_no_hash_is_warned_of() -> None:
    fields: dict[str, Any] = dict.fromkeys(_User.__dataclass_fields__)
    account = _User(**fields)

    def warned(password: str) -> bool:
        return "warnings" in decode(User, {"name": "u", "password": password}).result(None, account)

    assert warned("s3cret") and warned("an open password")
    assert warned("$6$rounds=5000$salt$" + "a" * 81 + "+++++")
    hashes = ("$2b$12$" + "a" * 53, "$6$rounds=5000$salt$" + "a" * 86, "$6$salt$" + "a" * 86, "!$y$j9T$salt$" + "b" * 43, "abJnggxhB/yWI")
    assert not any(map(warned, (*hashes, "*", "*************", "!", "")))
