"""blockinfile, replace, assemble."""

from __future__ import annotations

from .harness import Case

TEXT = "one\ntwo\nthree\n"
B, E = "# BEGIN ANSIBLE MANAGED BLOCK\n", "# END ANSIBLE MANAGED BLOCK\n"

CASES = [
    Case("blockinfile", {"path": "{root}/f", "block": "x\ny"}, {"f": TEXT}, expect="changed"),
    Case("blockinfile", {"path": "{root}/f", "block": "x\ny\n"}, {"f": TEXT + B + "x\ny\n" + E}, expect="ok"),
    Case("blockinfile", {"path": "{root}/f", "block": "z"}, {"f": B + "x\ny\n" + E + TEXT}, expect="changed"),
    Case("blockinfile", {"path": "{root}/f", "state": "absent"}, {"f": "a\n" + B + "x\n" + E + "b\n"}, expect="changed"),
    Case("blockinfile", {"path": "{root}/f", "block": ""}, {"f": "a\n" + B + "x\n" + E + "b\n"}, expect="changed"),
    Case("blockinfile", {"path": "{root}/f", "state": "absent"}, expect="failed"),
    Case("blockinfile", {"path": "{root}/f", "block": "x"}, expect="failed"),
    Case("blockinfile", {"path": "{root}/f", "block": "x", "create": True, "mode": "0600"}, expect="changed"),
    Case("blockinfile", {"path": "{root}/f", "block": "x", "insertbefore": "BOF"}, {"f": TEXT}, expect="changed"),
    Case("blockinfile", {"path": "{root}/f", "block": "x", "insertafter": "^t"}, {"f": TEXT}, expect="changed"),
    Case("blockinfile", {"path": "{root}/f", "block": "x", "insertbefore": "^t"}, {"f": TEXT}, expect="changed"),
    Case("blockinfile", {"path": "{root}/f", "block": "x", "insertafter": "nowhere"}, {"f": "one"}, expect="changed"),
    Case("blockinfile", {"path": "{root}/f", "block": "x", "insertafter": "(?m)one\\ntwo"}, {"f": TEXT}, expect="changed"),
    Case(
        "blockinfile",
        {"path": "{root}/f", "block": "x", "append_newline": True, "prepend_newline": True, "insertafter": "one"},
        {"f": TEXT},
        expect="changed",
    ),
    Case(
        "blockinfile",
        {"path": "{root}/f", "block": "x", "marker": "<!-- {mark} -->", "marker_begin": "open"},
        {"f": TEXT},
        expect="changed",
    ),
    Case("replace", {"path": "{root}/f", "regexp": "^t(.)", "replace": r"T\1"}, {"f": TEXT}, expect="changed"),
    Case("replace", {"path": "{root}/f", "regexp": "nothing"}, {"f": TEXT}, expect="ok"),
    Case("replace", {"path": "{root}/f", "regexp": "o", "replace": "o"}, {"f": TEXT}, name="replace-by-itself"),
    Case("replace", {"path": "{root}/f", "regexp": "o", "replace": "oo"}, {"f": TEXT}, expect="changed", again="changed"),
    Case("replace", {"path": "{root}/f", "regexp": "o", "replace": "0", "after": "two", "before": "three"}, {"f": TEXT + TEXT}),
    Case("replace", {"path": "{root}/f", "regexp": "(", "replace": "x"}, {"f": TEXT}, expect="failed"),
    Case("replace", {"path": "{root}/f", "regexp": "o"}, expect="failed"),
    Case("assemble", {"src": "{root}/d", "dest": "{root}/f"}, {"d/2": "two\n", "d/1": "one"}, expect="changed"),
    Case("assemble", {"src": "{root}/d", "dest": "{root}/f", "delimiter": "---"}, {"d/2": "two\n", "d/1": "one"}, expect="changed"),
    Case("assemble", {"src": "{root}/d", "dest": "{root}/f", "regexp": "[.]x$"}, {"d/2.x": "two\n", "d/1": "one"}, expect="changed"),
    Case("assemble", {"src": "{root}/d", "dest": "{root}/f"}, expect="failed"),
    Case("assemble", {"src": "p", "dest": "{root}/f", "remote_src": False}, files={"p/a": "1\n", "p/b": "2\n"}, expect="changed"),
]
