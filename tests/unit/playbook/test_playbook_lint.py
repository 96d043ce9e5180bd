"""What is found before any host is touched, with its place; and what is right is left alone."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
from mutations import mutations, survivors, typo
from playbook_tree import MODULES, Tree

from nxtplay.core.resource import Args, arg, exclusive
from nxtplay.errors import Diagnostic
from nxtplay.playbook.imports import not_found
from nxtplay.playbook.lint import check
from nxtplay.playbook.lint_args import registered
from nxtplay.playbook.load import options


class Copy(Args):
    """As much of copy as the tests need."""

    src: str | None = arg(None, help="")
    content: str | None = arg(None, help="")
    dest: str = arg(help="")
    owner: str | None = arg(None, help="")
    mode: str | None = arg(None, help="")
    remote_src: bool = arg(False, help="")
    rules = (exclusive("src", "content"),)


class Command(Args):
    """As much of command."""

    free_form = "cmd"
    cmd: str = arg(help="")
    chdir: str | None = arg(None, help="")


class Template(Args):
    """As much of template."""

    src: str = arg(help="")
    dest: str = arg(help="")


CLASSES = {"copy": Copy, "command": Command, "shell": Command, "template": Template}
GIVEN = options(modules=MODULES)


def specs(module: str) -> Any:
    return CLASSES.get(module) or (None if module in ("ping", "file", "service", "uri", "stat") else registered(module))


def lint(tree: Tree, text: str | None = None, names: Any = None) -> list[Diagnostic]:
    return check(tree.load(text), specs=specs, names_for_host=names, given=GIVEN)


def _play(tasks: str) -> str:
    return "- hosts: all\n  tasks:\n" + textwrap.indent(tasks, "    ") + "\n"


def told(tree: Tree, tasks: str, *, play: str = "", names: Any = None) -> list[tuple[str, str, str]]:
    """Findings of a play whose tasks start at line 100."""
    head = "- hosts: all\n" + play
    text = head + "\n" * (98 - head.count("\n")) + "  tasks:\n" + textwrap.indent(textwrap.dedent(tasks).strip("\n"), "    ") + "\n"
    return [tree.told(one) for one in lint(tree, text, names)]


FINDINGS = [
    ("- copy: {dest: a, ownr: b}", "100:23", "copy: unknown argument 'ownr'", "did you mean 'owner'?"),
    ("- copy: {content: a}", "100:7", "copy: missing required argument 'dest'", ""),
    ("- copy: {content: a, src: b, dest: c, remote_src: true}", "100:23", "exclude each other", ""),
    ("- copy: {content: a, dest: b, remote_src: maybe}", "100:47", "takes true or false", ""),
    ("- copy: dest=a ownr=b content=x", "100:20", "unknown argument 'ownr'", "did you mean 'owner'?"),
    ("- command: {cmd: ls, chdri: /}", "100:26", "unknown argument 'chdri'", "did you mean 'chdir'?"),
    ("- command:", "100:7", "missing required argument 'cmd'", ""),
    ("- debug: {mgs: a}", "100:15", "debug: unknown argument 'mgs'", "did you mean 'msg'?"),
    ("- meta: flush_handler", "100:13", "'flush_handler'", "did you mean 'flush_handlers'?"),
    ("- include_role: {name: web, task_from: a}", "100:33", "unknown argument 'task_from'", "did you mean 'tasks_from'?"),
    ("- ping:\n  module_defaults: {coppy: {}}", "101:25", "unknown module 'coppy'", "did you mean 'copy'?"),
    ("- ping:\n  module_defaults: {copy: {ownr: a}}", "101:32", "unknown argument 'ownr'", "did you mean 'owner'?"),
    ("- debug: {msg: 'a {{ b | defalt(1) }}'}", "100:30", "no filter named 'defalt'", "did you mean 'default'?"),
    ("- debug: {msg: '{{ b'}", "100:24", "expected '}}'", ""),
    ("- ping:\n  when: a is defind", "101:18", "no test named 'defind'", "did you mean 'defined'?"),
    ("- ping:\n  when: a ==", "101:17", "", ""),
    ("- ping:\n  when: '{{ a }}'", "101:13", "a condition is an expression already", "{{"),
    ("- ping:\n  vars: {x: \"{{ lookup('fil', 'x') }}\"}", "101:29", "no lookup named 'fil'", "did you mean 'file'?"),
    ("- shell: |\n    echo\n    echo {{ b | defalt }}", "102:21", "no filter named 'defalt'", ""),
    ("- ping:\n  notify: restrt", "101:15", "no handler 'restrt' in this play", "did you mean 'restart'?"),
    ("- ping:\n  notify: [restart, tpic]", "101:25", "no handler 'tpic'", "did you mean 'topic'?"),
    ("- copy: {src: motdd, dest: a}", "100:19", "copy: file 'motdd' not found", "did you mean 'motd'?"),
    ("- copy: {src: /nowhere/motd, dest: a}", "100:19", "no file '/nowhere/motd' on the controller now", ""),
    ("- template: {src: nignx.j2, dest: a}", "100:23", "template: file 'nignx.j2' not found", "did you mean 'nginx.j2'?"),
    ("- script: runn.sh a", "100:15", "script: file 'runn.sh' not found", ""),
    ("- include_vars: moer.yml", "100:21", "include_vars: file 'moer.yml' not found", "did you mean 'more.yml'?"),
    ("- include_tasks: setpu.yml", "100:22", "file of tasks 'setpu.yml' not found", "did you mean 'setup.yml'?"),
    ("- include_role: {name: wbe}", "100:28", "role 'wbe' not found", "did you mean 'web'?"),
]


@pytest.fixture
def rich(tree: Tree) -> Tree:
    tree.write("files/motd", "x")
    tree.write("templates/nginx.j2", "port {{ port }}\n")
    tree.write("vars/more.yml", "more: 1\n")
    tree.write("setup.yml", "- ping:\n")
    tree.write("roles/web/tasks/main.yml", "- ping:\n")
    return tree


HANDLERS = "  handlers:\n    - {name: restart, ping: }\n    - {name: other, ping: , listen: topic}\n"


@pytest.mark.parametrize(("tasks", "place", "message", "hint"), FINDINGS, ids=[tasks for tasks, *_ in FINDINGS])
def test_findings_are_located(rich: Tree, tasks: str, place: str, message: str, hint: str) -> None:
    (found,) = told(rich, tasks, play=HANDLERS)
    assert found[0] == f"site.yml:{place}"
    assert message in found[1]
    assert hint in found[2]


@pytest.mark.parametrize(
    "task",
    [
        "copy: {src: gone, dest: a}",
        "template: {src: gone, dest: a}",
        "script: gone",
        "include_vars: gone.yml",
        "include_tasks: gone.yml",
        "include_role: {name: gone}",
    ],
)
def test_what_a_condition_may_leave_out_need_not_be_there(rich: Tree, task: str) -> None:
    play = "- hosts: all\n  tasks:\n    - {" + task + "WHEN}\n"
    for condition, severity in ((", when: x is defined", "warning"), ("", "error")):
        (found,) = lint(rich, play.replace("WHEN", condition), None)
        assert "not found" in found.message
        assert found.severity == severity


RIGHT = [
    "- copy: {src: motd, dest: a}",
    "- copy: {src: '{{ x }}', dest: a}",
    "- copy: {src: anything, dest: a, remote_src: true}",
    "- copy: {src: anything, dest: a, remote_src: '{{ x }}'}",
    "- copy: '{{ args }}'",
    "- copy: {dest: a}\n  args: '{{ more }}'",
    "- copy: {src: motd}\n  module_defaults: {copy: {dest: a}}",
    "- command: ls -l {{ x }}",
    "- command: ls\n  args: {chdir: /}",
    "- debug: {msg: no template}\n  when: x is defined",
    "- debug: {var: x.y}",
    "- assert: {that: [a == 1, b is defined]}",
    "- set_fact: {anything: 1, cacheable: true}",
    "- add_host: {name: a, port_: 1}",
    "- ping:\n  notify: ['restart', 'topic', '{{ x }}']",
    "- template: {src: nginx.j2, dest: a}",
    "- include_tasks: setup.yml",
    "- include_tasks: '{{ x }}.yml'\n- ping:\n  notify: unknown",
    "- include_role: {name: web}",
    "- meta: noop",
    "- pause: {seconds: 1}",
    "- shell: \"echo '{# comment #}'\"",
    "- debug: {msg: !unsafe '{{ b'}",
]


@pytest.mark.parametrize("tasks", RIGHT)
def test_what_is_right_is_left_alone(rich: Tree, tasks: str) -> None:
    assert told(rich, tasks, play=HANDLERS) == []


def test_defaults_for_modules_of_other_collections_say_nothing(rich: Tree) -> None:
    wrong = ("dbeug", "community.docker.docker_contianer")
    for name in ("cisco.ios.ios_facts", "group/amazon.aws.aws", "yum", *wrong):
        text = f"- hosts: all\n  module_defaults: {{{name}: {{a: 1}}}}\n  tasks: [{{ping: }}]\n"
        assert len([one for one in lint(rich, text) if "unknown module" in one.message]) == (name in wrong), name


def test_notes_lead_to_the_handler_meant(rich: Tree) -> None:
    found = lint(rich, "- hosts: all\n  tasks: [{ping: , notify: restrt}]\n  handlers: [{name: restart, ping: }]\n")
    ((text, span),) = found[0].notes
    assert text == "'restart' is here"
    assert span is not None
    assert span.line == 3


@pytest.mark.parametrize(
    ("notified", "found"),
    [("restart web", 0), ("r : restart db", 0), ("reload", 0), ("inside", 0), ("restrat web", 1), ("x : restart web", 1), ("isnide", 1)],
)
def test_handlers_with_templates_and_includes_among_them(rich: Tree, notified: str, found: int) -> None:
    """A template may be anything, what stands around it may not; files that handlers include are looked into."""
    rich.write("roles/r/handlers/main.yml", "- name: 'restart {{ x }}'\n  ping:\n")
    rich.write("more.yml", "- {name: inside, ping: }\n")
    handlers = "[{name: reload, include_tasks: more.yml}]"
    text = f"- hosts: all\n  vars: {{x: 1}}\n  roles: [r]\n  tasks: [{{ping: , notify: '{notified}'}}]\n  handlers: {handlers}\n"
    assert len([one for one in lint(rich, text) if "no handler" in one.message]) == found


def test_a_template_file_is_checked_where_it_stands(rich: Tree) -> None:
    rich.write("templates/bad.j2", "a\n{% if x %}\nb {{ y | nosuch }}\n{% endif %}\n")
    (found,) = told(rich, "- template: {src: bad.j2, dest: a}")
    assert found[:2] == ("templates/bad.j2:3:10", "there is no filter named 'nosuch'")


def test_literal_includes_are_followed(rich: Tree) -> None:
    rich.write("setup.yml", "- include_tasks: deeper.yml\n- include_tasks: setup.yml\n  when: again\n")
    rich.write("deeper.yml", "- debug: {mgs: a}\n- notakeyword: 1\n")
    assert told(rich, "- include_tasks: setup.yml")[0][:2] == ("deeper.yml:2:3", "unknown module 'notakeyword'")
    rich.write("deeper.yml", "- debug: {mgs: a}\n")
    assert told(rich, "- include_tasks: setup.yml")[0][:2] == ("deeper.yml:1:11", "debug: unknown argument 'mgs'")


def test_roles_for_many_systems_run_where_their_other_systems_conditions_do_not_hold(rich: Tree) -> None:
    rich.write("roles/web/tasks/main.yml", "- yum: {name: a}\n  when: system == 'RedHat'\n- include_tasks: 'setup-{{ x }}.yml'\n")
    rich.write("roles/web/tasks/setup-a.yml", "- openbsd_pkg: {name: a}\n- community.general.pacman: {name: a}\n- debug: {mgs: a}\n")
    found = lint(rich, "- hosts: all\n  roles: [web]\n")
    assert [(rich.told(one)[0], one.severity) for one in found] == [
        ("roles/web/tasks/main.yml:1:3", "warning"),
        ("roles/web/tasks/setup-a.yml:1:3", "warning"),
        ("roles/web/tasks/setup-a.yml:2:3", "warning"),
        ("roles/web/tasks/setup-a.yml:3:11", "error"),
    ]
    assert found[0].message == "module 'yum' is Ansible's and not in nxtplay: the task fails if it ever runs"
    place, message, _ = rich.task_finding("- kubernetes.core.k8s: {}\n- apt: {}")
    assert (place, message) == ("site.yml:3:7", "module 'k8s' is Ansible's and not in nxtplay")


def test_what_a_condition_may_leave_out_of_a_collection_is_for_others_to_mend(rich: Tree) -> None:
    role = "ansible_collections/our/web/roles/server/tasks/"
    rich.write(role + "main.yml", "- include_tasks: api.yml\n  when: api\n- debug: {msg: '{{ oops'}\n")
    rich.write(role + "api.yml", "- ping:\n  when: \"a != 'b\"\n- debug: {mgs: a}\n")
    found = lint(rich, f"- hosts: all\n  tasks:\n    - include_tasks: {role}main.yml\n")
    assert [(rich.told(one)[0].rpartition("/")[2].rpartition(":")[0], one.severity) for one in found] == [
        ("api.yml:2", "warning"),
        ("api.yml:3", "warning"),
        ("main.yml:3", "error"),
    ]


def test_variables_of_every_file_that_a_templated_name_may_mean(rich: Tree) -> None:
    rich.write("roles/web/tasks/main.yml", "- include_vars: '{{ ansible_os_family }}.yml'\n- debug: {msg: '{{ user }} {{ usr }}'}\n")
    rich.write("roles/web/vars/Debian.yml", "user: www-data\n")
    rich.write("roles/web/vars/RedHat.yml", "user: nginx\n")
    found = lint(rich, "- hosts: all\n  roles: [web]\n", HOSTS)
    assert [(rich.told(one)[0], one.message) for one in found] == [("roles/web/tasks/main.yml:2:31", "undefined variable 'usr'")]


def test_the_loop_of_an_include_is_not_hidden(rich: Tree) -> None:
    rich.write("setup.yml", "- ping:\n  loop: [1]\n")
    (found,) = told(rich, "- include_tasks: setup.yml\n  loop: [1, 2]\n")
    assert found[:2] == ("setup.yml:2:9", "the loop variable 'item' hides that of the include around this task")
    assert told(rich, "- include_tasks: setup.yml\n  loop: [1, 2]\n  loop_control: {loop_var: outer}\n") == []


HOSTS = {"web1": {"db_password", "only_web"}, "db1": {"db_password"}}

UNDEFINED = [
    # tasks, place, message, hint
    ("- debug: {msg: 'x {{ db_pasword }}'}", "100:26", "undefined variable 'db_pasword'", "did you mean 'db_password'?"),
    ("- debug: {msg: '{{ only_web }}'}", "100:24", "undefined variable 'only_web' on db1", "default"),
    ("- ping:\n  when: nothing_such", "101:13", "undefined variable 'nothing_such'", "default"),
    ("- ping:\n  loop: '{{ nothing_such }}'", "101:17", "undefined variable 'nothing_such'", ""),
    ("- debug: {var: nothing_such}", "100:20", "undefined variable 'nothing_such'", ""),
    ("- assert: {that: [nothing_such == 1]}", "100:23", "undefined variable 'nothing_such'", ""),
    ("- ping:\n  environment: {A: '{{ nothing_such }}'}", "101:28", "undefined variable 'nothing_such'", ""),
    ("- debug: {msg: '{{ reslt.rc }}'}", "100:24", "'reslt'", "default"),
    ("- shell: |\n    a {{ db_password }}\n    b {{ db_pasword }}", "102:14", "'db_pasword'", "db_password"),
    ("- debug: {msg: '{{ ansible_hostnam }}'}", "100:24", "'ansible_hostnam'", "did you mean 'ansible_hostname'?"),
    ("- debug: {msg: '{{ ansible_defalt_ipv4 }}'}", "100:24", "'ansible_defalt_ipv4'", "did you mean 'ansible_default_ipv4'?"),
    ("- debug: {msg: '{{ inventory_hostnme }}'}", "100:24", "'inventory_hostnme'", "did you mean 'inventory_hostname'?"),
    ("- getent: {database: passwd}\n- debug: {msg: '{{ getent_pasword }}'}", "101:24", "'getent_pasword'", "did you mean 'getent_passwd'?"),
    ("- template: {src: nginx.j2, dest: a}", None, "undefined variable 'port'", ""),
]


@pytest.mark.parametrize(("tasks", "place", "message", "hint"), UNDEFINED, ids=[tasks for tasks, *_ in UNDEFINED])
def test_undefined_variables(rich: Tree, tasks: str, place: str | None, message: str, hint: str) -> None:
    (found,) = told(rich, tasks, names=HOSTS)
    assert found[0] == (f"site.yml:{place}" if place else "templates/nginx.j2:1:9")
    assert message in found[1]
    assert hint in found[2]


DEFINED = [
    "- debug: {msg: '{{ db_password }} {{ inventory_hostname }} {{ hostvars[groups.all[0]] }} {{ ansible_default_ipv4.address }}'}",
    "- debug: {msg: '{{ ansible_ens3.ipv4 }} {{ ansible_eno1 }} {{ ansible_lo.mtu }} {{ ansible_proc_cmdline }} {{ ansible_hostnqn }}'}",
    "- debug: {msg: '{{ x | default(1) }} {{ y if y is defined else 2 }}'}",
    "- debug: {msg: '{{ x }}'}\n  when: x is defined",
    "- block:\n    - debug: {msg: '{{ x }}'}\n  when: [x is defined, x.y]",
    "- debug: {msg: '{{ x }}'}\n  when: false",
    "- debug: {msg: '{{ x }}'}\n  vars: {x: 1}",
    "- block: [{debug: {msg: '{{ x }}'}}]\n  vars: {x: 1}",
    "- ping:\n  register: r\n- debug: {msg: '{{ r.ping }}'}",
    "- ping:\n  register: r\n  until: r is success\n  changed_when: r.changed",
    "- set_fact: {f: 1}\n- debug: {msg: '{{ f }}'}",
    "- set_fact: {'{{ k }}': 1}\n  vars: {k: a}\n- debug: {msg: '{{ anything }}'}",
    "- getent: {database: passwd}\n- debug: {msg: '{{ getent_passwd }}'}",
    "- getent: {database: '{{ db_password }}'}\n- debug: {msg: '{{ getent_passwd }}'}",
    "- include_vars: more.yml\n- debug: {msg: '{{ more }}'}",
    "- include_vars: '{{ db_password }}.yml'\n- debug: {msg: '{{ anything }}'}",
    "- include_tasks: '{{ db_password }}.yml'\n- debug: {msg: '{{ anything }}'}",
    "- debug: {msg: '{{ item }} {{ i }} {{ ansible_loop.index }}'}\n  loop: [1]\n  loop_control: {index_var: i, extended: true}",
    "- debug: {msg: '{{ one }}'}\n  loop: [1]\n  loop_control: {loop_var: one}",
    "- debug: {msg: '{% for a in [1] %}{{ a }}{% endfor %}'}",
    "- template: {src: nginx.j2, dest: a}\n  vars: {port: 1}",
    "- include_tasks: uses.yml\n  vars: {given: 1}",
    "- include_tasks: uses.yml\n  loop: [1]\n  loop_control: {loop_var: given}",
    "- include_role: {name: uses, public: true}\n- debug: {msg: '{{ of_role }}'}",
    "- debug: {msg: '{{ colour | ternary(nowhere, 1) }}'}\n  vars: {colour: false}",
    "- debug: {msg: '{{ template_of_facts }}'}\n  vars: {template_of_facts: '{{ db_password }}'}",
]


def test_a_source_that_the_run_makes_is_only_warned_of(rich: Tree) -> None:
    made = "- copy: {dest: made/here, content: x}\n  delegate_to: localhost\n- copy: {src: here, dest: a}"
    assert [(one.severity, one.message) for one in lint(rich, _play(made))] == [
        ("warning", "copy: there is no file 'here' on the controller now")
    ]
    elsewhere = made.replace("localhost", "web1")
    assert [one.severity for one in lint(rich, _play(elsewhere))] == ["error"]


def test_names_that_first_found_passes_over(rich: Tree) -> None:
    tasks = "- debug: {msg: '{{ item }}'}\n  with_first_found: ['{{ nowhere }}', files/motd]"
    assert [one.severity for one in lint(rich, _play(tasks), HOSTS)] == ["warning"]


@pytest.mark.parametrize("tasks", DEFINED)
def test_what_is_defined_is_left_alone(rich: Tree, tasks: str) -> None:
    rich.write("uses.yml", "- debug: {msg: '{{ given }}'}\n")
    rich.write("roles/uses/tasks/main.yml", "- debug: {msg: '{{ of_role }} {{ role_path }}'}\n")
    rich.write("roles/uses/defaults/main.yml", "of_role: 1\n")
    assert told(rich, tasks, names=HOSTS) == []


def test_a_use_that_may_not_come_is_a_warning_unless_a_slip_is_likely(rich: Tree) -> None:
    def severity(tasks: str) -> list[str]:
        text = "- hosts: all\n  tasks:\n" + textwrap.indent(tasks, "    ") + "\n"
        return [one.severity for one in lint(rich, text, HOSTS)]

    assert severity("- debug: {msg: '{{ cluster }}'}") == ["error"]
    assert severity("- debug: {msg: '{{ cluster }}'}\n  when: db_password == 'x'") == ["warning"]
    assert severity("- debug: {msg: '{{ cluster }}'}\n  ignore_errors: true") == ["warning"]
    assert severity("- block: [{debug: {msg: '{{ cluster }}'}}]\n  rescue: [{ping: }]") == ["warning"]
    assert severity("- debug: {msg: '{{ db_passwrd }}'}\n  when: db_password == 'x'") == ["error"]


def test_levels_of_plays_and_roles_define(rich: Tree) -> None:
    rich.write("roles/web/defaults/main.yml", "port: 80\nurl: '{{ hsot }}'\nnever_used: '{{ nothing_such }}'\n")
    rich.write("roles/web/tasks/main.yml", "- debug: {msg: '{{ port }} {{ url }} {{ param }} {{ p }} {{ asked }} {{ more }}'}\n")
    found = lint(
        rich,
        """
        - hosts: all
          vars: {p: 1, host: 2}
          vars_files: [vars/more.yml]
          vars_prompt: [{name: asked}]
          roles: [{role: web, param: 1}]
          tasks: [{debug: {msg: '{{ port }} {{ param }}'}}]
        - hosts: all
          tasks: [{debug: {msg: '{{ port }}'}}]
        """,
        HOSTS,
    )
    places = {rich.told(one)[0]: one.message for one in found}
    assert places == {
        "roles/web/defaults/main.yml:2:10": "undefined variable 'hsot'",
        "site.yml:6:40": "undefined variable 'param'",
        "site.yml:8:29": "undefined variable 'port'",
    }


def test_registered_names_go_on_into_later_plays(rich: Tree) -> None:
    text = "- hosts: all\n  tasks: [{ping: , register: r}]\n- hosts: all\n  tasks: [{debug: {var: r}}, {debug: {var: s}}]\n"
    found = lint(rich, text, lambda play: HOSTS)
    assert [(rich.told(one)[0], one.message) for one in found] == [("site.yml:4:44", "undefined variable 's'")]


def test_variables_that_nothing_reads_and_look_like_another(rich: Tree) -> None:
    rich.write("roles/web/defaults/main.yml", "listen_port: 80\n")
    rich.write("roles/web/tasks/main.yml", "- debug: {msg: '{{ listen_port }}'}\n")
    found = lint(rich, "- hosts: all\n  vars: {unread: 1, listen_prot: 1}\n  roles: [{role: web, wehn: false, other: 1}]\n")
    assert [(rich.told(one)[0], one.severity, one.hint[:22]) for one in found] == [
        ("site.yml:2:21", "warning", "did you mean 'listen_p"),
        ("site.yml:3:23", "error", "did you mean 'when'? A"),
    ]
    rich.write("roles/web/tasks/main.yml", "- debug: {msg: '{{ listen_port }}'}\n- include_tasks: '{{ system }}.yml'\n")
    found = lint(rich, "- hosts: all\n  vars: {unread: 1, listen_prot: 1}\n  roles: [{role: web, wehn: false, other: 1}]\n")
    assert [rich.told(one)[0] for one in found] == ["site.yml:3:23"], "the included file may read listen_prot"


def test_missing_vars_files(rich: Tree) -> None:
    found = lint(rich, "- hosts: all\n  vars_files: [vars/moer.yml, [a.yml, vars/more.yml], [b.yml, c.yml], '{{ x }}.yml']\n")
    assert [rich.told(one)[1] for one in found] == ["vars file 'vars/moer.yml' not found", "none of these vars_files exists"]


def correct_tree(tree: Tree) -> list[Any]:
    tree.write("files/motd", "x\n")
    tree.write("roles/web/templates/site.j2", "listen {{ listen_port }};\n")
    tree.write("roles/web/defaults/main.yml", "listen_port: 80\nweb_user: www\n")
    handlers = tree.write("roles/web/handlers/main.yml", "- name: reload web\n  command: nginx -s reload\n  listen: web changed\n")
    tasks = tree.write(
        "roles/web/tasks/main.yml",
        """
        - name: Configuration
          template:
            src: site.j2
            dest: /etc/nginx/site.conf
          notify: reload web
          become: true
        - name: Health
          command: curl http://localhost:{{ listen_port }}/
          register: health
          until: health.rc == 0
          retries: 3
          delay: 1
          changed_when: false
          when: web_user != 'nobody'
        """,
    )
    site = tree.write(
        "site.yml",
        """
        - name: Web
          hosts: web
          become: true
          gather_facts: false
          vars:
            greeting: "hello {{ db_password }}"
          roles:
            - role: web
              tags: [web]
          pre_tasks:
            - ansible.builtin.debug:
                msg: "{{ greeting }}"
          tasks:
            - block:
                - copy:
                    src: motd
                    dest: "/etc/{{ item }}"
                    mode: "0644"
                  loop: [motd, issue]
                  loop_control:
                    label: "{{ item }}"
                  notify:
                    - web changed
              rescue:
                - fail:
                    msg: "{{ ansible_failed_task.name }}"
              when: db_password is defined
            - shell: |
                echo {{ greeting }}
              args:
                chdir: /tmp
              environment:
                PGPASSWORD: "{{ db_password }}"
            - include_tasks: more.yml
              vars:
                reason: test
        """,
    )
    more = tree.write("more.yml", "- assert:\n    that: reason == 'test'\n    fail_msg: \"{{ reason }}\"\n")
    return [site, tasks, handlers, more]


def test_every_typo_in_a_correct_tree_is_found_at_its_line(tree: Tree) -> None:
    files = correct_tree(tree)
    hosts = {"web1": {"db_password"}}
    assert lint(tree, names=hosts) == []
    assert len(list(mutations(files))) > 60
    assert survivors(files, lambda: lint(tree, names=hosts)) == []


def test_the_mutations_are_able_to_survive(tree: Tree) -> None:
    """Without the linter most variables and arguments slip through: the law above is not empty."""
    files = correct_tree(tree)
    assert len(survivors(files, lambda: list(tree.load().warnings))) > 20
    assert typo("notify") == "noitfy"


def test_a_template_that_may_be_omitted_breaks_no_rule(tree: Tree) -> None:
    task = "copy: {dest: /d, src: '{{ %s }}', content: '{{ %s }}'}"
    play = "- hosts: all\n  vars: {item: {}}\n  tasks:\n    - %s\n"
    assert not lint(tree, play % (task % ("item.src | default(omit)", "item.content | default(omit)")))
    assert "exclude each other" in lint(tree, play % (task % ("item.src", "item.content")))[0].message


def test_what_is_never_reached_may_ask_for_what_is_not_there(tree: Tree) -> None:
    """A handler that nothing notifies, and items of a list that may be empty."""
    play = """
- hosts: all
  vars: {pool__items: []}
  tasks:
    - command: echo {{ pool_items }}
      loop: '{{ pool__items + pool_items | default([]) }}'
  handlers:
    - {name: idle, command: 'echo {{ nowhere }}'}
"""
    assert [(d.severity, d.message) for d in lint(tree, play, names={"h": set()}) if "undefined" in d.message] == [
        ("warning", "undefined variable 'pool_items'"),
        ("warning", "undefined variable 'nowhere'"),
    ]
    asked = play.replace("      loop", "      notify: idle\n      loop")
    assert ("error", "undefined variable 'nowhere'") in [(d.severity, d.message) for d in lint(tree, asked, names={"h": set()})]
    perhaps = play.replace("      loop", "      notify: '{{ pool__items | first | default(omit) }}'\n      loop")
    assert ("warning", "undefined variable 'nowhere'") in [(d.severity, d.message) for d in lint(tree, perhaps, names={"h": set()})]


def test_a_file_that_is_not_there_brings_its_neighbour_to_mind(tmp_path: Path) -> None:
    (tmp_path / "site.conf").touch()
    for name, neighbour in (("site.cnf", "site.conf"), ("site", "site.conf"), ("siet", "site")):
        assert not_found(name, [str(tmp_path / name)]).startswith(f"did you mean '{neighbour}'?")


def test_a_lookup_of_ansible_in_a_variable_may_never_be_asked_for(tree: Tree) -> None:
    play = """
- hosts: all
  vars: {token: "{{ lookup('passwordstore', 'x') }}", slip: "{{ lookup('fil', 'x') }}"}
  tasks: [{debug: {msg: "{{ %s }}"}}]
"""
    assert [(d.severity, d.message[-15:]) for d in lint(tree, play % "lookup('dig', 'x')")] == [
        ("warning", "'passwordstore'"),
        ("error", "kup named 'fil'"),
        ("error", "kup named 'dig'"),
    ]


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("community.docker.docker_stack", "docker_compose_v2 for the services of one machine, or `command: docker stack deploy`"),
        ("docker_swarm", "`command: docker swarm`"),
        ("docker_secret", "`command: docker secret`"),
    ],
)
def test_what_only_a_swarm_has_names_the_command(rich: Tree, module: str, told: str) -> None:
    assert rich.task_finding(f"- {module}: {{name: x}}")[2] == f"use {told}"
