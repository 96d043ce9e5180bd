"""Roles and imports: found where Ansible finds them, in its order, and circles are named."""

from __future__ import annotations

from typing import Any

import pytest
from playbook_tree import MODULES, Tree, flat, render_simply, walk

from nxtplay.errors import PlaybookErrors, Span
from nxtplay.playbook.load import load_role, load_tasks, options
from nxtplay.playbook.model import Block, Included, Item, Located, Shared, Task


def commands(tasks: list[Task]) -> list[Any]:
    return [task.free_form.value if task.free_form else task.module for task in tasks]


def role(tree: Tree, name: str, tasks: str = "- command: '{name}'\n", **files: str) -> None:
    tree.write(f"roles/{name}/tasks/main.yml", tasks.replace("{name}", name))
    for path, text in files.items():
        tree.write(f"roles/{name}/{path.replace('_', '/', 1)}/main.yml", text)


def test_roles_run_before_tasks_and_dependencies_before_their_role(tree: Tree) -> None:
    role(tree, "base")
    role(tree, "db", meta="dependencies: [base]\n")
    role(tree, "web", meta="dependencies:\n  - {role: db, port_: 1, when: d, tags: td}\n", vars="v: 1\n", defaults="d: 1\n")
    playbook = tree.load(
        """
        - hosts: all
          become: true
          roles: [{role: web, when: w, tags: [tw], become: false, extra: 5, vars: {more: 6}}]
          tasks: [{command: own}]
        """
    )
    tasks = flat(playbook)
    assert commands(tasks) == ["base", "db", "web", "own"]
    assert [[one.value for one in task.shared.when] for task in tasks] == [["w", "d"], ["w", "d"], ["w"], []]
    assert tasks[0].shared.tags == {"tw", "td"}
    assert [t.shared.become.become.value for t in tasks] == [False, False, False, True]  # type: ignore[union-attr]
    base, db, web = playbook.plays[0].roles
    assert [r.name for r in (base, db, web)] == ["base", "db", "web"]
    assert (web.params, web.vars, web.defaults) == ({"extra": 5}, {"v": 1}, {"d": 1})
    assert [dict(values) for values in tasks[2].shared.vars] == [{"more": 6}]
    assert db.params == {"port_": 1}
    assert [r.name for r in base.parents] == ["db", "web"]
    assert [r.name for r in web.dependencies] == ["base", "db"]
    assert [t.role.name if t.role else None for t in tasks] == ["base", "db", "web", None]
    assert [b.role.name for b in playbook.plays[0].sections[1].tasks[:3] if isinstance(b, Block) and b.role] == ["base", "db", "web"]


def test_typos_in_specifications_are_found(tree: Tree) -> None:
    options = "options: {x: {type: itn, reqired: true, title: own}, y: {type: list, elements: dict, options: {z: {typ: str}}}}"
    role(tree, "a")
    tree.write("roles/a/meta/argument_specs.yml", f"argument_specs: {{main: {{short_descripton: a, {options}}}}}\n")
    with pytest.raises(PlaybookErrors) as told:
        tree.load("- hosts: all\n  roles: [a, a]\n")
    assert [one.message.split("'")[1] for one in told.value.diagnostics if one.severity == "error"] == ["itn"]
    tree.write("roles/a/meta/argument_specs.yml", f"argument_specs: {{main: {{short_descripton: a, {options.replace('itn', 'int')}}}}}\n")
    playbook = tree.load("- hosts: all\n  roles: [a, a]\n")
    assert [one.message.split("'")[1] for one in playbook.warnings] == ["short_descripton", "reqired", "typ"]


@pytest.mark.parametrize(
    "spec", ["{main: 1}", "{main: {options: []}}", "{main: {options: {a: 1}}}", "{main: {options: {a: {options: {b: 1}}}}}"]
)
def test_a_specification_that_is_no_mapping_is_told(tree: Tree, spec: str) -> None:
    role(tree, "a")
    tree.write("roles/a/meta/argument_specs.yml", f"argument_specs: {spec}\n")
    with pytest.raises(PlaybookErrors, match="of an argument specification is a mapping") as told:
        tree.load("- hosts: all\n  roles: [a]\n")
    assert told.value.diagnostics[0].span


def test_uses_with_the_same_parameters_count_as_one(tree: Tree) -> None:
    role(tree, "web")
    play = tree.load("- hosts: all\n  roles: [web, {role: web}, {role: web, x: 1}, {role: web, when: y}]\n").plays[0]
    first, second, third, fourth = (r.identity for r in play.roles)
    assert first == second
    assert len({first, third, fourth}) == 3


def test_handlers_of_roles_come_before_the_plays(tree: Tree) -> None:
    role(tree, "web", handlers="- name: h\n  command: role\n- import_tasks: more.yml\n")
    tree.write("roles/web/handlers/more.yml", "- name: m\n  command: more\n")
    playbook = tree.load("- hosts: all\n  roles: [web]\n  handlers: [{name: h, command: play}]\n")
    handlers = list(walk(playbook.plays[0].handlers))
    assert commands(handlers) == ["role", "more", "play"]
    assert [h.role.name if h.role else None for h in handlers] == ["web", "web", None]
    assert all(h.is_handler for h in handlers)


def test_where_roles_are_found(tree: Tree) -> None:
    home = "collections/ansible_collections/n/s/roles"
    places = ["roles/a", "extra/b", "c", f"{home}/d", f"{home}/sub/e", "roles/n.s.f"]
    for path in places:
        tree.write(f"{path}/tasks/main.yml", "- command: ls\n")
    playbook = tree.load("- hosts: all\n  roles: [a, b, c, n.s.d, n.s.sub.e, n.s.f]\n", roles_path=[str(tree.root / "extra")])
    assert [r.path.removeprefix(f"{tree.root}/") for r in playbook.plays[0].roles] == places


def test_a_role_may_bring_nothing_but_plugins(tree: Tree) -> None:
    tree.write("roles/filters/filter_plugins/mine.py", "class FilterModule:\n    def filters(self):\n        return {}\n")
    tree.load("- hosts: all\n  roles: [filters]\n")
    (tree.root / "roles" / "nothing" / "attic").mkdir(parents=True)
    assert "is not a role" in tree.finding("- hosts: all\n  roles: [nothing]\n")[1]


def test_short_names_of_a_collections_modules(tree: Tree) -> None:
    """A role of a collection, and `collections`, may mean its modules: one that cannot be run is no slip of the hand."""
    home = "collections/ansible_collections/n/s"
    tree.write(f"{home}/plugins/modules/colour.py", "import ansible.module_utils.connection\n")
    tree.write(f"{home}/roles/d/tasks/main.yml", "- colour: {name: red}\n")
    away = "module 'colour' is Ansible's and not in nxtplay"
    assert tree.finding("- hosts: all\n  roles: [n.s.d]\n")[:2] == (f"{home}/roles/d/tasks/main.yml:1:3", away)
    task = "  tasks: [{colour: {name: red}}]\n"
    assert tree.finding(f"- hosts: all\n  collections: [n.s]\n{task}")[1] == away
    assert tree.finding(f"- hosts: all\n  collections: [n.elsewhere]\n{task}")[1] == away
    assert tree.finding(f"- hosts: all\n{task}")[1] == "unknown module 'colour'"
    slip = "- hosts: all\n  collections: [n.s]\n  tasks: [{colur: {name: red}}]\n"
    assert tree.finding(slip)[1] == "unknown module 'colur'"
    assert "coppy" in tree.finding("- hosts: all\n  collections: [n.elsewhere]\n  tasks: [{coppy: {src: a}}]\n")[1]
    tree.load("- hosts: all\n  collections: [n.s]\n  tasks: [{colour: {name: red}, when: x is defined}]\n")


def test_a_missing_role_names_the_places_searched(tree: Tree) -> None:
    role(tree, "webserver")
    place, message, hint = tree.finding("- hosts: all\n  roles: [websrver]\n")
    assert (place, message) == ("site.yml:2:11", "role 'websrver' not found")
    assert "did you mean 'webserver'?" in hint
    assert "roles/websrver" in hint


def test_directories_of_variables_are_merged(tree: Tree) -> None:
    role(tree, "web")
    tree.write("roles/web/vars/main/b.yml", "x: 2\n")
    tree.write("roles/web/vars/main/a.yml", "x: 1\ny: 1\n")
    tree.write("roles/web/defaults/main.json", '{"j": [1]}')
    (web,) = tree.load("- hosts: all\n  roles: [web]\n").plays[0].roles
    assert (web.vars, web.defaults) == ({"x": 2, "y": 1}, {"j": [1]})
    assert web.vars.values_at["x"].file.endswith("b.yml")


def test_argument_specs_from_either_file(tree: Tree) -> None:
    specs = "argument_specs: {main: {options: {x: {type: int}}}}\n"
    role(tree, "a", meta=specs)
    role(tree, "b")
    tree.write("roles/b/meta/argument_specs.yml", specs)
    roles = tree.load("- hosts: all\n  roles: [a, b]\n").plays[0].roles
    assert [r.argument_specs for r in roles] == [{"main": {"options": {"x": {"type": "int"}}}}] * 2


def test_circles_of_roles_are_named(tree: Tree) -> None:
    role(tree, "a", meta="dependencies: [b]\n")
    role(tree, "b", meta="dependencies: [c]\n")
    role(tree, "c", meta="dependencies: [a]\n")
    place, message, _ = tree.finding("- hosts: all\n  roles: [a]\n")
    assert (place, message) == ("roles/c/meta/main.yml:1:16", "roles need each other in a circle: a -> b -> c -> a")


def test_a_role_that_imports_itself_is_a_circle_but_its_other_tasks_are_not(tree: Tree) -> None:
    role(tree, "a", "- import_role: {name: a, tasks_from: other}\n")
    tree.write("roles/a/tasks/other.yml", "- command: other\n")
    assert commands(flat(tree.load("- hosts: all\n  roles: [a]\n"))) == ["other"]
    tree.write("roles/a/tasks/other.yml", "- import_role: {name: a}\n")
    _, message, _ = tree.finding("- hosts: all\n  roles: [a]\n")
    assert message == "roles need each other in a circle: a -> a -> a"


def test_import_tasks_stands_for_its_tasks(tree: Tree) -> None:
    tree.write("sub/one.yml", "- command: '1'\n- import_tasks: two.yml\n")
    tree.write("sub/two.yml", "- command: '2'\n  when: own\n")
    tasks = tree.tasks(
        """
        - name: i
          import_tasks: sub/one.yml
          when: outer
          tags: t
          vars: {v: 1}
          become: true
        """
    )
    assert commands(tasks) == ["1", "2"]
    assert [one.value for one in tasks[1].shared.when] == ["outer", "own"]
    assert (tasks[1].shared.tags, tasks[1].shared.vars, tasks[1].block_vars) == ({"t"}, ({"v": 1},), 1)
    assert tasks[1].shared.become.become is not None
    assert tasks[1].file.endswith("sub/two.yml")


def test_names_of_imports_use_play_and_extra_variables(tree: Tree) -> None:
    tree.write("web.yml", "- command: ls\n")
    text = "- hosts: all\n  vars: {which: web}\n  tasks: [{import_tasks: '{{ which }}.yml'}]\n"
    assert commands(flat(tree.load(text, render_static=render_simply))) == ["ls"]
    assert tree.findings(text, render_static=render_simply, extra_vars={"which": "db"})[0].message == "file of tasks 'db.yml' not found"
    _, message, hint = tree.finding(text.replace("which }}", "host_fact }}"), render_static=render_simply)
    assert message == "undefined variable 'host_fact'"
    assert "use include_tasks" in hint


def test_missing_and_wrong_files_of_tasks(tree: Tree) -> None:
    tree.write("setup.yml", "a: 1\n")
    tree.write("site2.yml", "- hosts: all\n  tasks: []\n")
    place, message, hint = tree.task_finding("- import_tasks: setp.yml")
    assert (place, message) == ("site.yml:3:21", "file of tasks 'setp.yml' not found")
    assert "did you mean 'setup.yml'?" in hint
    assert tree.task_finding("- import_tasks: setup.yml")[0] == "setup.yml:1:1"
    assert "import_playbook" in tree.task_finding("- import_tasks: site2.yml")[2]


def test_circles_of_task_files_are_named(tree: Tree) -> None:
    tree.write("a.yml", "- import_tasks: b.yml\n")
    tree.write("b.yml", "- import_tasks: a.yml\n")
    place, message, _ = tree.task_finding("- import_tasks: a.yml")
    assert place == "b.yml:1:17"
    assert message.endswith("a.yml -> b.yml -> a.yml")


def test_import_role_hands_down_and_exports(tree: Tree) -> None:
    role(tree, "web", handlers="- name: h\n  command: handler\n")
    tree.write("roles/web/tasks/extra.yml", "- command: extra\n")
    tree.write("roles/web/vars/special.yml", "s: 1\n")
    playbook = tree.load(
        """
        - hosts: all
          tasks:
            - import_role: {name: web, tasks_from: extra.yml, vars_from: special}
              vars: {p: 1}
              tags: t
        """
    )
    (task,) = flat(playbook)
    (web,) = playbook.plays[0].roles
    assert (commands([task]), task.shared.tags) == (["extra"], {"t"})
    assert (web.vars, dict(task.shared.vars[-1]), web.tasks_from) == ({"s": 1}, {"p": 1}, "extra")
    assert commands(list(walk(playbook.plays[0].handlers))) == ["handler"]


def test_import_role_without_its_file(tree: Tree) -> None:
    role(tree, "web")
    place, message, hint = tree.task_finding("- import_role: {name: web, tasks_from: mian}")
    assert (place, message) == ("site.yml:3:44", "role 'web' has no tasks file 'mian'")
    assert "did you mean 'main'?" in hint


def test_imported_playbooks(tree: Tree) -> None:
    tree.write(
        "sub/web.yml",
        """
        - hosts: web
          tags: own
          vars: {a: 1}
          tasks: [{command: ls, when: x}]
        - import_playbook: deep.yml
          vars: {c: 0}
        """,
    )
    tree.write("sub/deep.yml", "- hosts: deep\n")
    playbook = tree.load("- import_playbook: sub/web.yml\n  vars: {b: 2, c: 3}\n  when: w\n  tags: [t]\n- hosts: last\n")
    web, deep, last = playbook.plays
    assert [p.hosts.value for p in playbook.plays] == ["web", "deep", "last"]
    assert (web.vars, web.import_vars, deep.import_vars, last.import_vars) == ({"a": 1}, {"b": 2, "c": 3}, {"b": 2, "c": 3}, None)
    (task,) = flat(playbook)
    assert [one.value for one in task.shared.when] == ["w", "x"]
    assert task.shared.tags == {"t", "own"}
    assert web.file.endswith("sub/web.yml")


def test_circles_of_playbooks_are_named(tree: Tree) -> None:
    tree.write("b.yml", "- import_playbook: site.yml\n")
    place, message, _ = tree.finding("- import_playbook: b.yml\n")
    assert (place, message) == ("b.yml:1:20", "playbooks import each other in a circle: site.yml -> b.yml -> site.yml")


def test_a_typo_in_an_entry_of_roles(tree: Tree) -> None:
    assert tree.finding("- hosts: all\n  roles: [{rol: web}]\n")[1:] == ("a role entry without a role", "did you mean 'role'?")


def included(items: Included) -> list[Item]:
    return list(walk([items.block]))


def test_what_includes_bring_at_run_time(tree: Tree) -> None:
    role(tree, "web", "- include_tasks: more.yml\n", handlers="- name: h\n  command: h\n", meta="dependencies: [base]\n")
    role(tree, "base")
    tree.write("roles/web/tasks/more.yml", "- command: more\n")
    given = options(modules=MODULES)
    shared = Shared(when=(Located("outer", Span("x")),))
    found = load_role("web", shared=shared, base=str(tree.root), span=Span("x"), given=given)
    assert [r.name for r in found.roles] == ["base", "web"]
    assert len(found.handlers) == 1
    include = included(found)[1]
    assert isinstance(include, Task)
    assert include.role is not None
    assert not include.role.public
    assert include.apply is not None
    more = load_tasks("more.yml", shared=include.apply, base=str(tree.root), role=include.role, stack=[include.file], given=given)
    (task,) = included(more)
    assert isinstance(task, Task)
    assert ([one.value for one in task.shared.when], task.role) == (["outer"], include.role)
    with pytest.raises(PlaybookErrors, match=r"'none[.]yml' not found"):
        load_tasks("none.yml", shared=shared, base=str(tree.root), given=given)
    with pytest.raises(PlaybookErrors, match="role 'wbe' not found"):
        load_role("wbe", shared=shared, base=str(tree.root), span=Span("x"), given=given)
