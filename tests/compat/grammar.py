"""Random playbooks from a grammar: what a seed gives is the same each time.

They stay clear of what nxtplay does differently on purpose (docs/differences.md): failures of run_once and any_errors_fatal inside a
block with a rescue, notifications that differ between the items of a loop, a handler that notifies an earlier one beside run_once,
what add_host registers.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

VARS = ("v0", "v1", "v2", "v3")
HOSTS = ("a", "b", "c")
TAGS = ("t1", "t2", "always", "never")
VALUES = (0, 1, 2, "x", "yes", True, False, [1, 2], [], {"k": 1}, "{{ 1 + 1 }}", "{{ v3 | default('none') }}")
SPOKEN = (
    "ansible_play_hosts", "ansible_play_batch", "ansible_play_hosts_all", "role_name", "ansible_failed_task.name", "ansible_loop.index",
    "ansible_loop.last", "ansible_loop_var", "ansible_run_tags", "hostvars['a'].v1", "hostvars['b'].v0", "group_names", "ansible_play_name",
    "ansible_parent_role_names", "ansible_failed_result.failed", "inventory_hostname_short", "lookup('vars', 'v1', default='-')",
)  # fmt: skip
Tree = dict[str, Any]


@dataclass
class Case:
    """`files`: YAML documents by path; `words`: the command line behind the inventory."""

    files: dict[str, Any] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)


class Grammar:
    """Grows one case. `budget` bounds how many tasks are still to be made."""

    def __init__(self, seed: int, *, budget: int = 40) -> None:
        self.random = random.Random(seed)
        self.budget = budget
        self.number = 0
        self.registers: list[str] = []
        self.case = Case()
        self.once = False
        self.rescued = False

    def grow(self) -> Case:
        r = self.random
        hosts = {name: {v: self.value() for v in r.sample(VARS[:3], 1)} if r.random() < 0.4 else {} for name in HOSTS}
        groups = {"g1": {"hosts": {"a": {}, "b": {}}, "vars": {"v0": "group"}}} if r.random() < 0.5 else {}
        self.case.files["inventory.yml"] = {
            "all": {"hosts": hosts, "children": groups, "vars": {"ansible_connection": "local", "v1": "all"}}
        }
        for path in ("group_vars/all.yml", "group_vars/g1.yml", "host_vars/b.yml", "files/one.yml", "files/two.yml"):
            if path.startswith("files") or r.random() < 0.2:
                self.case.files[path] = self.variables()
        for role in ("one", "two"):
            self.role(role)
        self.case.files["play.yml"] = [self.play(n) for n in range(r.choice((1, 2)))] + [self.shown()]
        self.case.words = ["-i", "inventory.yml", *self.options(), "play.yml"]
        return self.case

    def options(self) -> list[str]:
        r = self.random
        words: list[str] = []
        if r.random() < 0.2:
            words += ["--tags", ",".join(r.sample(("t1", "t2", "untagged", "tagged", "all", "never"), r.choice((1, 2))))]
        if r.random() < 0.2:
            words += ["--skip-tags", r.choice(("t1", "t2", "untagged", "t1,never"))]
        if r.random() < 0.2:
            words += ["-e", r.choice(("v0=extra", '{"v1": [1]}', "v2=1 v3=2"))]
        if r.random() < 0.15:
            words += ["--force-handlers"]
        if r.random() < 0.15:
            words += ["--limit", r.choice(("a", "a:b", "!c", "g1:c"))]
        return words

    def play(self, number: int) -> Tree:
        r = self.random
        play: Tree = {"name": f"play {number}", "hosts": "all", "gather_facts": False}
        if r.random() < 0.15:
            play["hosts"] = r.choice(("a:c", "all:!b", ["c", "a"], "g1", "{{ 'a' if v0 is defined else 'all' }}"))
        if r.random() < 0.1:
            play["order"] = r.choice(("reverse_inventory", "sorted", "reverse_sorted"))
        if r.random() < 0.06:
            play["any_errors_fatal"] = True
            self.rescued = True  # its failures end the play for all: no rescue may be around them
        fatal = self.rescued
        if r.random() < 0.6:
            play["vars"] = self.variables()
        if r.random() < 0.2:
            play["serial"] = r.choice((1, 2, [1, 2], "50%"))
        if r.random() < 0.15:
            play["force_handlers"] = True
        if r.random() < 0.1:
            play["max_fail_percentage"] = r.choice((0, 30, 50, 100))
        if r.random() < 0.08:
            play["strategy"] = r.choice(("free", "host_pinned"))
            play["name"] = f"free {number}"
        if r.random() < 0.15:
            play["vars_files"] = r.choice((["files/one.yml"], [["nowhere.yml", "files/two.yml"]], ["files/one.yml", "files/two.yml"]))
        if r.random() < 0.1:
            play["module_defaults"] = {"debug": {"msg": "by default"}}
        if r.random() < 0.1:
            play["environment"] = {"SAID": "play"}
        if r.random() < 0.1:
            play["tags"] = r.choice(TAGS)
        if r.random() < 0.3:
            play["pre_tasks"] = self.tasks(2)
        if r.random() < 0.4:
            play["roles"] = [self.use_of_role() for _ in range(r.choice((1, 2)))]
        play["tasks"] = self.tasks(r.randint(3, 8))
        if r.random() < 0.3:
            play["post_tasks"] = self.tasks(2)
        play["handlers"] = [self.handler(n) for n in range(4)]
        self.rescued = False
        if fatal:
            play = _without_rescues(play)
        return play

    def shown(self) -> Tree:
        """A last play that tells what is left."""
        names = [*VARS, *(f"{one}.{part}" for one in self.registers for part in ("changed", "failed", "skipped"))]
        told = {name: f"{{{{ {name} | default('-' if '.changed' not in '{name}' else false) }}}}" for name in names}
        tasks = [{"name": "what is left", "debug": {"msg": told}, "tags": "always"}]
        return {"name": "the end", "hosts": "all", "gather_facts": False, "tasks": tasks}

    def role(self, name: str) -> None:
        r = self.random
        base = f"roles/{name}"
        self.case.files[f"{base}/tasks/main.yml"] = self.tasks(2, deep=2)
        self.case.files[f"{base}/tasks/other.yml"] = self.tasks(1, deep=2)
        self.case.files[f"{base}/handlers/main.yml"] = [{"name": f"{name} handler", "debug": {"msg": f"handler of {name}"}}]
        if r.random() < 0.6:
            self.case.files[f"{base}/defaults/main.yml"] = self.variables()
        if r.random() < 0.3:
            self.case.files[f"{base}/vars/main.yml"] = self.variables()
        if name == "two" and r.random() < 0.4:
            use = r.choice(
                ("one", {"role": "one", "v1": "dependency"}, {"role": "one", "when": self.condition()}, {"role": "one", "tags": ["t2"]})
            )
            self.case.files[f"{base}/meta/main.yml"] = {"dependencies": [use]}

    def use_of_role(self) -> Any:
        r = self.random
        name = r.choice(("one", "two"))
        if r.random() < 0.5:
            return name
        use: Tree = {"role": name}
        if r.random() < 0.4:
            use["tags"] = r.choice(TAGS)
        if r.random() < 0.4:
            use["when"] = self.condition()
        if r.random() < 0.4:
            use[r.choice(VARS)] = r.choice((1, "param"))
        return use

    # -- tasks

    def tasks(self, count: int, *, deep: int = 0, item: bool = False) -> list[Tree]:
        return [self.item(deep, item) for _ in range(count)]

    def item(self, deep: int, item: bool) -> Tree:
        r = self.random
        self.budget -= 1
        if self.budget > 0 and deep < 3:
            kind = r.random()
            if kind < 0.15:
                return self.block(deep, item)
            if kind < 0.25:
                return self.include(deep, item)
            if kind < 0.3 and deep < 2:
                return self.role_task()
            if kind < 0.33:
                return {"meta": "flush_handlers"}
            if kind < 0.35:
                return self.meta(item)
            if kind < 0.37:
                return {"name": self.name("vars"), "include_vars": r.choice(("files/one.yml", "files/two.yml"))}
        return self.task(item)

    def name(self, what: str) -> str:
        self.number += 1
        return f"{what} {self.number}"

    def task(self, item: bool = False) -> Tree:
        r = self.random
        task: Tree = {"name": self.name("task")}
        looped = r.random() < 0.25
        within = item or looped
        kind = r.random()
        if kind < 0.4:
            task["debug"] = {"msg": self.text(within)}
        elif kind < 0.6:
            task["set_fact"] = {r.choice(VARS): self.value() if r.random() < 0.6 else self.text(within)}
        elif kind < 0.7:
            task["fail"] = {"msg": self.text(within)}
        elif kind < 0.8:
            task["assert"] = {"that": [self.condition(within)]}
        elif kind < 0.82:
            task["group_by"] = {"key": r.choice(("made", "made_{{ inventory_hostname }}", "{{ v1 | default('x') | string }}_g"))}
        elif kind < 0.84:
            task["add_host"] = {"name": r.choice(("b", "new")), "groups": r.choice(("made", ["g1", "made"])), "v2": "added"}
        elif kind < 0.86:
            task["set_stats"] = {"data": {"v0": self.value()}, "per_host": r.choice((True, False))}
        else:
            task["command"] = r.choice(("echo hello", "sh -c 'exit 3'", "echo 1", "sh -c 'echo $SAID'"))
            if r.random() < 0.1:
                task["environment"] = {"SAID": r.choice(("task", "{{ v1 | default('-') }}"))}
        if looped:
            self.loop(task)
        self.keywords(task, within)
        if "add_host" in task:
            task.pop("register", None)
        if "fail" in task and r.random() < 0.6:
            task["ignore_errors"] = True
        return task

    def loop(self, task: Tree) -> None:
        r = self.random
        made = ("{{ [1, 2, 3] }}", "{{ v2 | default([]) | flatten }}", "{{ nowhere | default([5]) }}")
        kind = r.random()
        if kind < 0.65:
            task["loop"] = r.choice(([1, 2], ["x"], [], *made))
        elif kind < 0.8:
            task["with_items"] = r.choice(([1, [2, 3]], "{{ v2 | default([]) }}", [], ["{{ v0 | default('-') }}", [1]]))
        elif kind < 0.87:
            task["with_dict"] = r.choice(({"k": 1, "l": [2]}, "{{ {'a': v1 | default('-')} }}"))
        elif kind < 0.94:
            task["with_together"] = [[1, 2], ["{{ v0 | default('-') }}"]]
        else:
            task["with_sequence"] = r.choice(("count=2", "start=1 end=5 stride=2", "start=0 end=1 format=n%02d"))
        if r.random() < 0.25:
            task["loop_control"] = r.choice(
                (
                    {"label": "l {{ item }}"},
                    {"index_var": "v3"},
                    {"extended": True},
                    {"extended": True, "extended_allitems": False},
                    {"break_when": "item == 2"},
                    {"break_when": ["v1 is defined", "item == 1"]},
                )
            )

    def meta(self, item: bool) -> Tree:
        task: Tree = {"meta": self.random.choice(("end_host", "end_play", "clear_facts", "noop", "end_batch"))}
        if task["meta"] != "noop":
            task["when"] = self.condition(item)
        return task

    def keywords(self, task: Tree, item: bool) -> None:
        r = self.random
        if r.random() < 0.35:
            task["when"] = self.condition(item) if r.random() < 0.8 else [self.condition(item), self.condition(item)]
        if r.random() < 0.35:
            register = f"r{r.randint(0, 3)}"
            task["register"] = register
            if register not in self.registers:
                self.registers.append(register)
        if r.random() < 0.2:
            task["changed_when"] = r.choice((True, False, self.condition(item)))
        if r.random() < 0.12:
            task["failed_when"] = r.choice((False, self.condition(item)))
        if r.random() < 0.12:
            task["ignore_errors"] = True
        if r.random() < 0.3:
            task["notify"] = r.choice(("h0", "h1", "h2", "topic", ["h1", "h0"]))
            if r.random() < 0.6:
                task["changed_when"] = True
        if r.random() < 0.15:
            task["tags"] = r.choice((*TAGS, ["t1", "never"], ["t1", "t2"]))
        if r.random() < 0.15:
            task["vars"] = self.variables()
        if r.random() < 0.06:
            task.update(run_once=True, ignore_errors=True)
            self.once = True
        if r.random() < 0.06 and "command" in task:
            task.update({"until": self.condition(item), "retries": 1, "delay": 0})
        if r.random() < 0.05:
            task["delegate_to"] = r.choice((*HOSTS, "{{ groups.all[0] }}"))
        if r.random() < 0.05:
            task["check_mode"] = r.choice((True, False)) if "command" not in task else False
        if r.random() < 0.04:
            task["no_log"] = True
        if r.random() < 0.05:
            task["module_defaults"] = {"debug": {"msg": self.text(item)}, "fail": {"msg": "by default"}}
        if r.random() < 0.03 and "delegate_to" in task:
            task["delegate_facts"] = True
        if r.random() < 0.03:
            task["throttle"] = 1
        if r.random() < 0.03:
            task["timeout"] = 30
        if r.random() < 0.03 and not self.rescued:
            task["any_errors_fatal"] = True

    def block(self, deep: int, item: bool) -> Tree:
        r = self.random
        before, rescued = self.rescued, r.random() < 0.5
        self.rescued = before or rescued
        block: Tree = {"name": self.name("block"), "block": self.tasks(r.randint(1, 3), deep=deep + 1, item=item)}
        self.rescued = before
        if rescued:
            block["rescue"] = self.tasks(r.choice((1, 2)), deep=deep + 1, item=item)
        if r.random() < 0.4:
            block["always"] = self.tasks(1, deep=deep + 1, item=item)
        if r.random() < 0.3:
            block["when"] = self.condition(item)
        if r.random() < 0.2:
            block["tags"] = r.choice(TAGS)
        if r.random() < 0.2:
            block["vars"] = self.variables()
        if r.random() < 0.1:
            block["ignore_errors"] = True
        if r.random() < 0.1:
            block["notify"] = r.choice(("h1", "topic"))
        if r.random() < 0.05:
            block["delegate_to"] = r.choice(HOSTS)
        if r.random() < 0.05:
            block["module_defaults"] = {"debug": {"msg": "by the block"}}
        if r.random() < 0.05:
            block["environment"] = {"SAID": "block"}
        if r.random() < 0.1 and rescued:
            block["rescue"][0]["vars"] = {
                "v3": "{{ ansible_failed_task.name | default('-') }} {{ ansible_failed_result.msg | default('-') }}"
            }
        return block

    def include(self, deep: int, item: bool) -> Tree:
        r = self.random
        path = f"tasks/{self.name('f').replace(' ', '')}.yml"
        dynamic = r.random() < 0.6
        looped = dynamic and r.random() < 0.3
        self.case.files[path] = self.tasks(r.choice((1, 2)), deep=deep + 1, item=item or looped)
        task: Tree = {"name": self.name("include"), "include_tasks" if dynamic else "import_tasks": path}
        if looped:
            task["loop"] = r.choice(([1, 2], [], ["x", 1]))
        if r.random() < 0.3:
            task["when"] = self.condition(item or looped)
        if r.random() < 0.2:
            task["tags"] = r.choice(TAGS)
        if r.random() < 0.3:
            task["vars"] = self.variables()
        if dynamic and r.random() < 0.2:
            applied = r.choice(
                (
                    {"tags": r.choice(TAGS)},
                    {"when": self.condition(item)},
                    {"vars": self.variables()},
                    {"ignore_errors": True},
                    {"notify": "h1", "tags": ["t1"]},
                    {"delegate_to": r.choice(HOSTS)},
                )
            )
            task["include_tasks"] = {"file": path, "apply": applied}
        return task

    def role_task(self) -> Tree:
        r = self.random
        kind = r.choice(("include_role", "import_role"))
        task: Tree = {"name": self.name(kind), kind: {"name": r.choice(("one", "two"))}}
        if r.random() < 0.2:
            task[kind]["tasks_from"] = "other"
        if r.random() < 0.2:
            task[kind]["public"] = r.choice((True, False))
        if r.random() < 0.1:
            task[kind]["allow_duplicates"] = False
        if kind == "include_role" and r.random() < 0.15:
            task["loop"] = [1, 2]
        if kind == "include_role" and r.random() < 0.15:
            task[kind]["apply"] = r.choice(({"tags": ["t1"]}, {"when": self.condition()}, {"vars": {"v2": "applied"}}))
        if r.random() < 0.3:
            task["vars"] = {r.choice(VARS): r.choice((1, "role task"))}
        if r.random() < 0.3:
            task["when"] = self.condition()
        if r.random() < 0.2:
            task["tags"] = r.choice(TAGS)
        return task

    def handler(self, number: int) -> Tree:
        r = self.random
        handler: Tree = {"name": f"h{number}"}
        if r.random() < 0.2:
            handler["command"] = "echo handled"
        elif r.random() < 0.1:
            handler["fail"] = {"msg": "handler"}
        else:
            handler["debug"] = {"msg": self.text()}
        if number == 2 or r.random() < 0.3:
            handler["listen"] = r.choice(("topic", ["topic", "other topic"]))
        if r.random() < 0.2:
            handler["when"] = self.condition()
        if r.random() < 0.2:
            handler["notify"] = f"h{r.randint(number if self.once else 0, 3)}"
            handler["changed_when"] = True
        if r.random() < 0.1:
            handler["loop"] = [1, 2]
        return handler

    # -- values

    def variables(self) -> Tree:
        return {name: self.value() for name in self.random.sample(VARS[:3], self.random.choice((1, 2)))}

    def value(self) -> Any:
        return self.random.choice(VALUES)

    def text(self, item: bool = False) -> str:
        r = self.random
        parts = [f"{{{{ {v} | default('-') }}}}" for v in r.sample(VARS, r.choice((1, 2)))]
        if item and r.random() < 0.7:
            parts.append("{{ item | default('no item') }}")
        if self.registers and r.random() < 0.3:
            parts.append(f"{{{{ {r.choice(self.registers)} is defined }}}}")
        if r.random() < 0.15:
            parts.append(f"{{{{ {r.choice(SPOKEN)} | default('-') }}}}")
        return " ".join(["say", *parts])

    def condition(self, item: bool = False) -> Any:
        r = self.random
        atoms: list[Any] = [
            f"{r.choice(VARS)} is defined",
            f"({r.choice(VARS)} | default(0)) == {r.choice(('1', repr('x'), '[]', 'true'))}",
            f"inventory_hostname == '{r.choice(HOSTS)}'",
            f"inventory_hostname != '{r.choice(HOSTS)}'",
            "inventory_hostname in groups.all[:2]",
            True,
            "not false",
        ]
        for register in self.registers[-2:]:
            atoms += [f"{register} is defined and {register} is {r.choice(('changed', 'failed', 'skipped', 'succeeded', 'not changed'))}"]
        if item:
            atoms += ["(item | default(1)) == 1", "(item | default(2)) != 2"]
        return r.choice(atoms)


def _without_rescues(tree: Any) -> Any:
    """The same without rescue."""
    if isinstance(tree, list):
        return [_without_rescues(one) for one in tree]
    return {key: _without_rescues(value) for key, value in tree.items() if key != "rescue"} if isinstance(tree, dict) else tree


def case(seed: int, *, budget: int = 40) -> Case:
    return Grammar(seed, budget=budget).grow()
