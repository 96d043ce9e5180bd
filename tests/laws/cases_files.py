"""file, copy, template, lineinfile, stat, slurp."""

from __future__ import annotations

import os

from .harness import Case

TEXT = "one\ntwo\nthree\n"


def _setgid(root: str) -> None:
    os.chmod(root, 0o2775)


def _hard(root: str) -> None:
    os.link(f"{root}/a", f"{root}/b")


CASES = [
    # file
    Case("file", {"path": "{root}/d", "state": "directory"}, expect="changed"),
    Case("file", {"path": "{root}/d/e/f", "state": "directory", "mode": "0750"}, expect="changed"),
    Case("file", {"path": "{root}/d", "state": "directory"}, {"d": None}, expect="ok"),
    Case("file", {"path": "{root}/d", "state": "directory", "mode": "u=rwx,go="}, {"d": None}, expect="changed"),
    Case("file", {"path": "{root}/d", "state": "directory"}, {"d": "text"}, expect="failed"),
    Case("file", {"path": "{root}/d/e", "state": "directory"}, {"d": "text"}, expect="failed"),
    Case("file", {"path": "{root}/d", "state": "directory", "recurse": True, "mode": "a+rX"}, {"d/x/y": "t", "d/z": ("t", 0o600)}),
    Case(
        "file",
        {"path": "{root}/d", "recurse": True, "owner": "1234", "mode": "0700", "state": "directory"},
        {"d/x/y": "t"},
        expect="changed",
    ),
    Case(
        "file",
        {"path": "{root}/d", "recurse": True, "mode": "0700", "state": "directory"},
        {"d": (None, 0o700), "e/x": ("t", 0o644), "e": (None, 0o700), "d/l": "-> ../e", "d/m": "-> ../d", "d/n": "-> nowhere"},
        expect="changed",
        name="file-recurse-through-links",
    ),
    Case(
        "file",
        {"path": "{root}/d", "recurse": True, "mode": "0700", "state": "directory", "follow": False},
        {"d": (None, 0o700), "e/x": ("t", 0o644), "d/l": "-> ../e"},
        expect="ok",
        name="file-recurse-past-links",
    ),
    Case("file", {"path": "{root}/d", "state": "directory"}, setup=_setgid, expect="changed", name="file-directory-below-setgid"),
    Case("file", {"path": "{root}/d", "state": "absent"}, {"d/x/y": "t"}, expect="changed"),
    Case("file", {"path": "{root}/d", "state": "absent"}, expect="ok"),
    Case("file", {"path": "{root}/l", "state": "absent"}, {"l": "-> d", "d/x": ""}, expect="changed"),
    Case("file", {"path": "{root}/f", "mode": "0640"}, {"f": "t"}, expect="changed"),
    Case("file", {"path": "{root}/f", "mode": "0640"}, expect="failed"),
    Case("file", {"path": "{root}/f", "state": "file", "owner": "root", "group": "1234"}, {"f": "t"}, expect="changed"),
    Case("file", {"path": "{root}/f", "owner": "no-such-user"}, {"f": "t"}, expect="failed"),
    Case("file", {"path": "{root}/l", "mode": "0640"}, {"f": "t", "l": "-> f"}, expect="changed", name="file-through-a-link"),
    Case("file", {"path": "{root}/l", "owner": "1234", "follow": False}, {"f": "t", "l": "-> f"}, expect="changed"),
    Case("file", {"path": "{root}/f", "state": "touch"}, expect="changed", again="changed"),
    Case("file", {"path": "{root}/f", "state": "touch"}, {"f": "t"}, expect="changed", again="changed"),
    Case(
        "file", {"path": "{root}/f", "state": "touch", "modification_time": "preserve", "access_time": "preserve"}, {"f": "t"}, expect="ok"
    ),
    Case("file", {"path": "{root}/f", "modification_time": "202001020304.05"}, {"f": "t"}, expect="changed"),
    Case("file", {"path": "{root}/n/f", "state": "touch"}, expect="failed"),
    Case("file", {"path": "{root}/l", "state": "link", "src": "f"}, {"f": "t"}, expect="changed"),
    Case("file", {"path": "{root}/l", "state": "link", "src": "{root}/f"}, {"f": "t", "l": "-> f"}, expect="changed"),
    Case("file", {"path": "{root}/l", "state": "link", "src": "f"}, expect="failed"),
    Case("file", {"path": "{root}/l", "state": "link", "src": "f", "force": True}, expect="changed"),
    Case("file", {"path": "{root}/l", "state": "link", "src": "f"}, {"f": "t", "l": "t"}, expect="failed"),
    Case("file", {"path": "{root}/l", "state": "link", "src": "f", "force": True}, {"f": "t", "l": "t"}, expect="changed"),
    Case("file", {"path": "{root}/l", "state": "link", "src": "f", "mode": "0600"}, {"f": "t"}, expect="changed"),
    Case("file", {"path": "{root}/n/l", "state": "link", "src": "../f", "force": True}, expect="failed"),
    Case("file", {"path": "{root}/b", "state": "hard", "src": "{root}/a"}, {"a": "t"}, expect="changed"),
    Case("file", {"path": "{root}/d", "state": "hard", "src": "{root}/a"}, {"a": "t", "d": None}, expect="changed", name="file-hard-into"),
    Case("file", {"path": "{root}/b", "state": "hard", "src": "{root}/a"}, {"a": "t"}, setup=_hard, expect="ok", name="file-hard-already"),
    Case("file", {"path": "{root}/b", "state": "hard", "src": "{root}/a"}, {"a": "t", "b": "u"}, expect="failed"),
    Case("file", {"path": "{root}/b", "state": "hard", "src": "{root}/a", "force": True}, {"a": "t", "b": "u"}, expect="changed"),
    # copy
    Case("copy", {"content": "hello\n", "dest": "{root}/f"}, expect="changed"),
    Case("copy", {"content": "hello\n", "dest": "{root}/f", "mode": "0600"}, {"f": "hello\n"}, expect="changed"),
    Case("copy", {"content": "hello\n", "dest": "{root}/f"}, {"f": "hello\n"}, expect="ok"),
    Case("copy", {"content": "hello\n", "dest": "{root}/f"}, {"f": ("other\n", 0o4711)}, expect="changed", name="copy-keeps-mode"),
    Case("copy", {"content": {"a": [1, 2]}, "dest": "{root}/f"}, expect="changed"),
    Case("copy", {"src": "s", "dest": "{root}/f"}, {"f": "plain"}, {"s": "$ANSIBLE_VAULT;law\nplain"}, expect="ok", name="copy-decrypts"),
    Case("copy", {"src": "d/", "dest": "{root}"}, {"s": "plain"}, {"d/s": "$ANSIBLE_VAULT;law\nplain"}, expect="ok", name="copy-open-tree"),
    Case("copy", {"src": "/dev/null", "dest": "{root}/f", "remote_src": True}, expect="failed"),
    Case("copy", {"content": "x", "dest": "{root}/n/f"}, expect="failed"),
    Case("copy", {"content": "x", "dest": "{root}/d"}, {"d": None}, expect="failed"),
    Case("copy", {"content": "x", "dest": "{root}/d/"}, expect="failed"),
    Case("copy", {"content": "x", "dest": "{root}/f", "force": False}, {"f": "y"}, expect="ok"),
    Case("copy", {"content": "x", "dest": "{root}/l"}, {"f": "y", "l": "-> f"}, expect="changed", name="copy-onto-a-link"),
    Case("copy", {"content": "x", "dest": "{root}/l", "follow": True}, {"f": "y", "l": "-> f"}, expect="changed"),
    Case("copy", {"content": "x", "dest": "{root}/f", "validate": "grep x %s"}, expect="changed"),
    Case("copy", {"content": "x", "dest": "{root}/f", "validate": "true"}, expect="failed"),
    Case("copy", {"content": "x", "dest": "{root}/f"}, setup=_setgid, expect="changed", name="copy-below-setgid"),
    Case("copy", {"src": "f", "dest": "{root}/g"}, files={"f": "t"}, expect="changed"),
    Case("copy", {"src": "f", "dest": "{root}/d"}, {"d": None}, {"f": "t"}, expect="changed"),
    Case("copy", {"src": "f", "dest": "{root}/n/m/"}, files={"f": "t"}, expect="changed"),
    Case("copy", {"src": "f", "dest": "{root}/g", "mode": "preserve"}, files={"f": ("t", 0o751)}, expect="changed"),
    Case("copy", {"src": "big", "dest": "{root}/g"}, files={"big": b"x" * 200_000}, expect="changed", name="copy-blob"),
    Case("copy", {"src": "none", "dest": "{root}/g"}, expect="failed"),
    Case("copy", {"src": "t", "dest": "{root}/g"}, files={"t/a/b": "1", "t/c": "2", "t/e": None}, expect="changed", name="copy-tree"),
    Case(
        "copy",
        {"src": "t/", "dest": "{root}"},
        {"c": "old", "x": "x"},
        {"t/a/b": "1", "t/c": "2"},
        expect="changed",
        name="copy-tree-contents",
    ),
    Case(
        "copy",
        {"src": "t/", "dest": "{root}/g", "mode": "0600", "directory_mode": "0700", "owner": "1234"},
        files={"t/a/b": "1", "t/l": "-> c", "t/c": "2"},
        expect="changed",
    ),
    Case("copy", {"src": "t/", "dest": "{root}"}, {"a": "file"}, {"t/a/b": "1"}, expect="failed"),
    Case("copy", {"src": "", "dest": "{root}/f"}, expect="failed"),
    Case("copy", {"src": "t/", "dest": "{root}"}, {}, {"t/s/back": "-> ..", "t/s/c": "2", "t/gone": "-> nowhere"}, expect="changed"),
    Case("copy", {"src": "{root}/t/", "dest": "{root}/u", "remote_src": True}, {"t/s/back": "-> ..", "t/c": "2"}, expect="changed"),
    Case("copy", {"src": "t/", "dest": "{root}", "local_follow": False}, {}, {"t/l": "-> c", "t/c": "2"}, expect="changed"),
    Case("copy", {"src": "{root}/a", "dest": "{root}/b", "remote_src": True}, {"a": "t"}, expect="changed"),
    Case("copy", {"src": "{root}/a", "dest": "{root}/b", "remote_src": True}, expect="failed"),
    Case("copy", {"src": "{root}/a/", "dest": "{root}/b", "remote_src": True}, {"a/x/y": "t"}, expect="changed"),
    # template
    Case("template", {"src": "t.j2", "dest": "{root}/f"}, files={"t.j2": "hello {{ name }}\n"}, expect="changed"),
    Case("template", {"src": "t.j2", "dest": "{root}/n/m/", "mode": "0600"}, files={"t.j2": "hello {{ name }}\n"}, expect="changed"),
    Case("template", {"src": "t.j2", "dest": "{root}/n/m"}, files={"t.j2": "hello {{ name }}\n"}, expect="failed"),
    Case("template", {"src": "t.j2", "dest": "{root}/f"}, {"f": "hello world\n"}, {"t.j2": "hello {{ name }}\n"}, expect="ok"),
    Case("template", {"src": "t.j2", "dest": "{root}/d", "mode": "0640"}, {"d": None}, {"t.j2": "hello {{ name }}\n"}, expect="changed"),
    # lineinfile
    Case("lineinfile", {"path": "{root}/f", "line": "four"}, {"f": TEXT}, expect="changed"),
    Case("lineinfile", {"path": "{root}/f", "line": "two"}, {"f": TEXT}, expect="ok"),
    Case("lineinfile", {"path": "{root}/f", "line": "four"}, {"f": "one"}, expect="changed"),
    Case("lineinfile", {"path": "{root}/f", "line": "four"}, expect="failed"),
    Case("lineinfile", {"path": "{root}/f", "line": "four", "create": True, "mode": "0600"}, expect="changed"),
    Case("lineinfile", {"path": "{root}/n/m/f", "line": "four", "create": True}, expect="changed"),
    Case(
        "lineinfile",
        {"path": "{root}/f", "line": "TWO", "regexp": "^t"},
        {"f": TEXT},
        expect="changed",
        again="changed",
        name="lineinfile-trap",
    ),
    Case("lineinfile", {"path": "{root}/f", "line": "two=2", "regexp": "^two"}, {"f": TEXT}, expect="changed"),
    Case("lineinfile", {"path": "{root}/f", "line": "x", "insertafter": "^one"}, {"f": TEXT}, expect="changed"),
    Case("lineinfile", {"path": "{root}/f", "line": "x", "insertbefore": "BOF"}, {"f": TEXT}, expect="changed"),
    Case("lineinfile", {"path": "{root}/f", "line": "x", "insertbefore": "^two"}, {"f": TEXT}, expect="changed"),
    Case("lineinfile", {"path": "{root}/f", "regexp": "^t", "state": "absent"}, {"f": TEXT}, expect="changed"),
    Case("lineinfile", {"path": "{root}/f", "line": "two", "state": "absent"}, expect="ok"),
    Case("lineinfile", {"path": "{root}/f", "line": r"\1!", "regexp": "^(t.*)o$", "backrefs": True}, {"f": TEXT}, expect="changed"),
    Case("lineinfile", {"path": "{root}/f", "line": "x", "regexp": "("}, {"f": TEXT}, expect="failed"),
    Case("lineinfile", {"path": "{root}/l", "line": "x"}, {"f": TEXT, "l": "-> f"}, expect="changed", name="lineinfile-through-a-link"),
    # looking
    Case("stat", {"path": "{root}/f"}, {"f": TEXT}, expect="ok"),
    Case("stat", {"path": "{root}/none"}, expect="ok"),
    Case("slurp", {"src": "{root}/f"}, {"f": TEXT}, expect="ok"),
    Case("slurp", {"src": "{root}/none"}, expect="failed"),
]
