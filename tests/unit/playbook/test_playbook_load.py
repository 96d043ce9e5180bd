"""Plays, blocks and tasks: what is handed down, what a task says, what is refused."""

from __future__ import annotations

import textwrap

import pytest
from playbook_tree import Tree, flat, walk

from nxtplay.errors import PlaybookErrors
from nxtplay.playbook.load import load, variables_file
from nxtplay.playbook.model import Block, Located, Task


def values(found: tuple[Located, ...] | None) -> list[object]:
    return [one.value for one in found or ()]


def test_a_task_says_what_was_written(tree: Tree) -> None:
    (task,) = tree.tasks(
        """
        - name: n {{ x }}
          ansible.builtin.copy:
            src: a
            dest: b
          register: r
          until: [r is ok, x]
          retries: "3"
          delay: 2
          changed_when: false
          failed_when: r.rc > 1
          async: 10
          poll: 0
          delegate_to: db
          notify: [a, b]
          environment: {A: 1}
          loop: [1, 2]
          loop_control: {loop_var: x, label: "{{ x }}", index_var: i}
        """
    )
    assert (task.module, task.args, task.register) == ("copy", {"src": "a", "dest": "b"}, "r")
    assert task.name is not None
    assert task.name.span[1:3] == (3, 13)
    assert (task.span[1:3], task.module_span[1:]) == ((3, 7), (4, 7, 27))
    assert values(task.until) == ["r is ok", "x"]
    assert (values(task.changed_when), values(task.failed_when)) == ([False], ["r.rc > 1"])
    assert (task.retries.value, task.async_.value, task.poll.value) == ("3", 10, 0)  # type: ignore[union-attr]
    assert task.loop is not None
    assert (task.loop.value.value, task.loop.lookup, task.loop.control.loop_var, task.loop.control.index_var) == ([1, 2], None, "x", "i")
    assert task.shared.delegate_to is not None
    assert (task.shared.delegate_to.value, values(task.shared.notify), values(task.shared.environment)) == ("db", ["a", "b"], [{"A": 1}])


def test_keywords_are_handed_down_and_merged(tree: Tree) -> None:
    playbook = tree.load(
        """
        - hosts: all
          become: true
          become_user: root
          tags: [play]
          environment: {A: play}
          vars: {p: 1}
          tasks:
            - block:
                - block:
                    - ping:
                      when: c
                      tags: t1, t2
                      become_user: web
                      vars: {v: task}
                      environment: {A: task}
                      notify: n2
                      check_mode: false
                  when: [b1, b2]
                  tags: 7
                  vars: {v: inner}
              when: a
              vars: {v: outer}
              notify: n1
              check_mode: true
              environment: {A: block}
        """
    )
    (task,) = flat(playbook)
    shared = task.shared
    assert values(shared.when) == ["a", "b1", "b2", "c"]
    assert shared.tags == {"play", "7", "t1", "t2"}
    assert [v["v"] for v in shared.vars] == ["outer", "inner", "task"]
    assert task.block_vars == 2
    assert values(shared.environment) == [{"A": "play"}, {"A": "block"}, {"A": "task"}]
    assert values(shared.notify) == ["n2"]
    assert (shared.become.become.value, shared.become.user.value, shared.check_mode.value) == (True, "web", False)  # type: ignore[union-attr]
    assert playbook.plays[0].vars == {"p": 1}
    assert playbook.plays[0].shared.tags == {"play"}


def test_play_keywords_and_sections(tree: Tree) -> None:
    playbook = tree.load(
        """
        - name: p
          hosts: [a, b]
          gather_facts: no
          serial: [1, "30%"]
          user: deploy
          vars_files: [a.yml, [b.yml, c.yml]]
          vars_prompt: [{name: x, private: no}]
          pre_tasks: [{command: one}]
          tasks: [{command: two}]
          post_tasks: [{command: three}]
          handlers: [{name: h, command: four, listen: [t, u]}]
        """
    )
    play = playbook.plays[0]
    assert [[t.free_form.value for t in walk([s])] for s in play.sections] == [["one"], ["two"], ["three"]]  # type: ignore[union-attr]
    assert values(play.vars_files) == ["a.yml", ["b.yml", "c.yml"]]
    assert (play.gather_facts.value, play.serial.value) == (False, [1, "30%"])  # type: ignore[union-attr]
    assert play.shared.remote_user.value == "deploy"  # type: ignore[union-attr]
    (handler,) = play.handlers
    assert isinstance(handler, Task)
    assert handler.is_handler
    assert handler.listen == ("t", "u")
    assert playbook.sources[str(tree.root / "site.yml")].startswith("- name: p")


@pytest.mark.parametrize(
    ("text", "module", "args", "free"),
    [
        ("ansible.builtin.command: ls -l", "command", {}, "ls -l"),
        ("community.docker.docker_container: {name: x}", "docker_container", {"name": "x"}, None),
        ("community.postgresql.postgresql_db: name=x", "postgresql_db", {"name": "x"}, None),
        ("copy: dest='b c' content=\"x={{ y['z'] }} \\n\"", "copy", {"dest": "b c", "content": "x={{ y['z'] }} \n"}, None),
        ("shell: make all  CC=gcc chdir=/src creates='/a b'", "shell", {"chdir": "/src", "creates": "/a b"}, "make all  CC=gcc"),
        ("shell: echo chdir", "shell", {}, "echo chdir"),
        ("command: {cmd: ls, chdir: /a}", "command", {"cmd": "ls", "chdir": "/a"}, None),
        ("command: ls\nargs: {chdir: /a}", "command", {"chdir": "/a"}, "ls"),
        ("copy: {src: a}\nargs: {src: b, dest: c}", "copy", {"src": "a", "dest": "c"}, None),
        ("action: copy src=a dest=b", "copy", {"src": "a", "dest": "b"}, None),
        ("action: {module: copy, src: a}", "copy", {"src": "a"}, None),
        ("local_action: command ls -l", "command", {}, "ls -l"),
        ("meta: flush_handlers", "meta", {}, "flush_handlers"),
        ("include_vars: a.yml", "include_vars", {"file": "a.yml"}, "a.yml"),
        ("include_tasks: 'a b.yml'", "include_tasks", {"file": "a b.yml"}, "a b.yml"),
        ("copy: '{{ args }}'", "copy", {}, "{{ args }}"),
        ("debug:", "debug", {}, None),
        ("copy: {src: a, dest: b, mode: 0644}", "copy", {"src": "a", "dest": "b", "mode": "0644"}, None),
        ("copy: {src: a, dest: b, mode: 644}", "copy", {"src": "a", "dest": "b", "mode": 644}, None),
        ("user: {name: web}", "user", {"name": "web"}, None),
    ],
)
def test_forms_of_an_action(tree: Tree, text: str, module: str, args: dict[str, object], free: str | None) -> None:
    (task,) = tree.tasks("- " + textwrap.indent(text, "  ").strip())
    assert (task.module, task.args, task.free_form.value if task.free_form else None) == (module, args, free)
    assert task.is_local_action == text.startswith("local_action")
    if task.is_local_action:
        assert task.shared.delegate_to is not None
        assert task.shared.delegate_to.value == "localhost"


def test_places_of_arguments_in_one_line(tree: Tree) -> None:
    (task,) = tree.tasks("- copy: src=a dest={{ b }}")
    assert task.args.values_at["dest"][1:] == (3, 24, 31)
    assert task.args.keys_at["src"][1:] == (3, 13, 16)


def test_quotes_inside_a_template_inside_the_same_quotes(tree: Tree) -> None:
    (task,) = tree.tasks("""- debug: msg="{{ lookup("file", "a b") }} and " verbosity=1""")
    assert task.args == {"msg": '{{ lookup("file", "a b") }} and ', "verbosity": "1"}


def test_loops_of_the_old_form(tree: Tree) -> None:
    (task,) = tree.tasks("- command: ls\n  with_dict: '{{ d }}'")
    assert task.loop is not None
    assert (task.loop.lookup, task.loop.value.value) == ("dict", "{{ d }}")


def test_blocks_keep_their_parts(tree: Tree) -> None:
    playbook = tree.load(
        """
        - hosts: all
          tasks:
            - name: b
              block: [{command: a}]
              rescue: [{command: b}, {command: c}]
              always: [{command: d}]
        """
    )
    (block,) = playbook.plays[0].sections[1].tasks
    assert isinstance(block, Block)
    assert (len(block.tasks), len(block.rescue), len(block.always), block.name.value) == (1, 2, 1, "b")  # type: ignore[union-attr]


def test_apply_starts_from_what_surrounds_the_include(tree: Tree) -> None:
    (task,) = tree.tasks(
        """
        - block:
            - include_tasks: {file: a.yml, apply: {become: true, tags: [x]}}
              when: own
              tags: own
          when: outer
          tags: outer
        """
    )
    assert task.apply is not None
    assert values(task.apply.when) == ["outer"]
    assert task.apply.tags == {"outer", "x"}
    assert task.apply.become.become is not None
    assert values(task.shared.when) == ["outer", "own"]


FAULTS = [
    # text of the task list, place, message, hint
    ("- command: ls\n  notfy: x", "site.yml:4:7", "'notfy' is not a keyword of a task", "did you mean 'notify'?"),
    ("- command: ls\n  become_usr: x", "site.yml:4:7", "'become_usr'", "did you mean 'become_user'?"),
    ("- coppy: {src: a}", "site.yml:3:7", "unknown module 'coppy'", "did you mean 'copy'?"),
    ("- comunity.docker.docker_container: {}", "site.yml:3:7", "unknown module", "did you mean 'community.docker.docker_container'?"),
    ("- community.docker.docker_contaner: {}", "site.yml:3:7", "unknown module", "did you mean 'community.docker.docker_container'?"),
    ("- copy: {src: a}\n  file: {path: b}", "site.yml:4:7", "two actions in one task: 'copy' and 'file'", "one thing"),
    ("- copy: {src: a}\n  action: ping", "site.yml:4:7", "two actions in one task: 'copy' and 'action'", "one thing"),
    ("- name: x\n  when: y", "site.yml:3:7", "without an action", "command"),
    ("- name: x\n  whn: y", "site.yml:4:7", "'whn' is not a keyword of a task", "did you mean 'when'?"),
    ("- command: ls\n  with_item: [a]", "site.yml:4:7", "'with_item' is no loop", "did you mean 'with_items'?"),
    ("- command: ls\n  with_items: [a]\n  loop: [b]", "site.yml:4:7", "'loop' and 'with_items'", "keep one"),
    ("- command: ls\n  loop: abc", "site.yml:4:13", "'loop' takes a list, found 'abc'", "[a, b]"),
    ("- command: ls\n  loop: {a: b}", "site.yml:4:13", "found a mapping", "dict2items"),
    ("- command: ls\n  loop_control: {loop_vra: a}\n  loop: [a]", "site.yml:4:22", "'loop_vra'", "did you mean 'loop_var'?"),
    ("- command: ls\n  become: maybe", "site.yml:4:15", "'become' takes true or false, found 'maybe'", ""),
    ("- command: ls\n  retries: few", "site.yml:4:16", "'retries' takes a whole number, found 'few'", ""),
    ("- command: ls\n  vars: [a]", "site.yml:4:13", "'vars' takes a mapping of variables, found a list", ""),
    ("- command: ls\n  vars: {a-b: 1}", "site.yml:4:14", "'a-b' cannot be the name of a variable", "write a_b"),
    ("- command: ls\n  register: a-b", "site.yml:4:17", "'register' takes a variable name", ""),
    ("- command: ls\n  register: '{{ x }}'", "site.yml:4:17", "not a template", ""),
    ("- command: ls\n  hosts: all", "site.yml:4:7", "'hosts' cannot stand on a task", "import_playbook"),
    ("- command: ls\n  listen: x", "site.yml:4:7", "'listen' cannot stand on a task", "handlers"),
    ("- command: ls\n  on: x", "site.yml:4:7", "true is not a keyword", "quotes"),
    ("- include_tasks: a.yml\n  become: true", "site.yml:4:7", "'become' cannot stand on an include", "apply"),
    ("- include_tasks: {file: a, apply: {becme: 1}}", "site.yml:3:40", "'becme'", "did you mean 'become'?"),
    ("- include: a.yml", "site.yml:3:7", "'include' is no longer", "import_tasks"),
    ("- import_playbook: a.yml", "site.yml:3:7", "cannot be a task", "list of plays"),
    ("- import_tasks: a.yml\n  loop: [a]", "site.yml:4:7", "import_tasks cannot loop", "include_tasks"),
    ("- rescue: [{command: ls}]", "site.yml:3:7", "'rescue' without 'block'", "block:"),
    ("- block: [{command: ls}]\n  rescu: []", "site.yml:4:7", "'rescu' is not a keyword of a block", "did you mean 'rescue'?"),
    ("- block: {command: ls}", "site.yml:3:14", "'block' takes a list of tasks, found a mapping", "[...]"),
    ("- ls", "site.yml:3:7", "a task was expected, found 'ls'", "command: ls"),
    ("-", "site.yml:3:6", "a task was expected, found nothing", ""),
    ("- copy: [a]", "site.yml:3:13", "'copy' takes its arguments as a mapping, found a list", ""),
    ("- copy: a b", "site.yml:3:13", "'copy' takes arguments, found 'a b'", "key=value"),
    ("- action: coppy src=a", "site.yml:3:15", "unknown module 'coppy'", "did you mean 'copy'?"),
    ("- command: ls\n  '{{ x }}': 1", "site.yml:4:7", "holds a template", ""),
    ("- command: ls\n  debugger: sometimes", "site.yml:4:17", "one of always, never", ""),
]


@pytest.mark.parametrize(("text", "place", "message", "hint"), FAULTS, ids=[text for text, *_ in FAULTS])
def test_faults_in_tasks_are_located(tree: Tree, text: str, place: str, message: str, hint: str) -> None:
    found = tree.task_finding(text)
    assert found[0] == place
    assert message in found[1]
    assert hint in found[2]


PLAY_FAULTS = [
    ("- hosts: all\n  task: []", "site.yml:2:3", "'task' is not a keyword of a play", "did you mean 'tasks'?"),
    ("- hosts: all\n  when: x", "site.yml:2:3", "'when' cannot stand on a play", "a play has no condition"),
    ("- tasks: []", "site.yml:1:3", "a play without hosts", "hosts: all"),
    ("- command: ls", "site.yml:1:3", "a task ('command') stands where a play", "hosts: all"),
    ("hosts: all", "site.yml:1:1", "a list of plays was expected, found a mapping", "'- '"),
    ("- all", "site.yml:1:3", "a play was expected, found 'all'", "mapping"),
    ("# nothing", "site.yml", "empty", "list of plays"),
    ("[]", "site.yml", "empty", "list of plays"),
    ("- hosts: all\n  strategy: linar", "site.yml:2:13", "one of linear, free", ""),
    ("- hosts: all\n  vars_prompt: [{prompt: x}]", "site.yml:2:17", "a prompt without a name", "name:"),
    ("- hosts: all\n  vars_prompt: [{name: x, privat: x}]", "site.yml:2:27", "'privat'", "did you mean 'private'?"),
    ("- hosts: all\n  handlers: [{block: [{command: ls}]}]", "site.yml:2:15", "a block cannot be a handler", ""),
    ("- hosts: all\n  roles: web", "site.yml:2:10", "'roles' takes a list of roles, found 'web'", "[...]"),
    ("- hosts: all\n  serial: some", "site.yml:2:11", "'serial' takes a number", ""),
    ("- import_playbook: a.yml\n  hosts: all", "site.yml:2:3", "'hosts' cannot stand on import_playbook", ""),
]


@pytest.mark.parametrize(("text", "place", "message", "hint"), PLAY_FAULTS, ids=[text for text, *_ in PLAY_FAULTS])
def test_faults_in_plays_are_located(tree: Tree, text: str, place: str, message: str, hint: str) -> None:
    tree.write("a.yml", "- hosts: all\n")
    found = tree.finding(text + "\n")
    assert found[0] == place
    assert message in found[1]
    assert hint in found[2]


def test_all_faults_are_told_at_once(tree: Tree) -> None:
    found = tree.findings(
        """
        - hosts: all
          tsks: []
          tasks:
            - coppy: {}
            - command: ls
              notfy: x
        - tasks: []
        """
    )
    assert [one.span.line for one in found if one.span] == [2, 4, 6, 7]


def test_modules_of_a_library_are_known(tree: Tree) -> None:
    tree.write("library/mine.py", "")
    (task,) = tree.tasks("- mine: {a: 1}")
    assert task.module == "mine"


def test_several_playbooks_follow_each_other(tree: Tree) -> None:
    names = [str(tree.write(f"{n}.yml", f"- hosts: {n}\n")) for n in "ab"]
    assert [play.hosts.value for play in load(names, modules=[]).plays] == ["a", "b"]


def test_variables_files(tree: Tree) -> None:
    assert variables_file(str(tree.write("v.yml", "a: 1\n"))) == {"a": 1}
    assert variables_file(str(tree.write("e.yml", ""))) == {}


def test_what_is_no_mapping_of_variables_is_not_quoted(tree: Tree) -> None:
    with pytest.raises(PlaybookErrors) as raised:
        variables_file(str(tree.write("v.yml", "password:hidden\n")))
    assert "found a text" in str(raised.value)
    assert "hidden" not in str(raised.value)
