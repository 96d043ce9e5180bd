"""A playbook as it was written: frozen values with the place of everything in them.

The loader has already applied what is static: imports are expanded, roles are resolved, and keywords that blocks, roles and plays
hand down have been merged into each task, so the engine never walks upwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Union

from nxtplay.errors import Diagnostic, Span


class YamlMap(dict):  # type: ignore[type-arg]
    """A mapping read from a file: an ordinary dict that also knows where it, its keys and its values stand."""

    __slots__ = ("keys_at", "span", "values_at")

    def __init__(self, items: Any = (), *, span: Span | None = None) -> None:
        super().__init__(items)
        self.span = span
        self.keys_at: dict[Any, Span] = {}
        self.values_at: dict[Any, Span] = {}


class YamlList(list):  # type: ignore[type-arg]
    """A sequence read from a file; `items_at[i]` is the place of item i."""

    __slots__ = ("items_at", "span")

    def __init__(self, items: Any = (), *, span: Span | None = None) -> None:
        super().__init__(items)
        self.span = span
        self.items_at: list[Span] = []


@dataclass(frozen=True)
class Located:
    """A value as written (perhaps a template) and its place."""

    value: Any
    span: Span


@dataclass(frozen=True)
class LoopControl:
    """`loop_control:`."""

    loop_var: str = "item"
    index_var: str | None = None
    label: Located | None = None
    pause: Located | None = None
    extended: Located | None = None
    extended_allitems: Located | None = None
    break_when: tuple[Located, ...] = ()


@dataclass(frozen=True)
class Loop:
    """`loop:` (lookup is None) or `with_<lookup>:`."""

    value: Located
    lookup: str | None = None
    control: LoopControl = field(default_factory=LoopControl)


@dataclass(frozen=True)
class Become:
    """Privilege escalation as keywords say it; None: not said anywhere up the tree."""

    become: Located | None = None
    user: Located | None = None
    method: Located | None = None
    flags: Located | None = None
    exe: Located | None = None


@dataclass(frozen=True)
class Shared:
    """The keywords that plays, roles and blocks hand down to tasks, already merged for this task (None: nobody said)."""

    become: Become = field(default_factory=Become)
    connection: Located | None = None
    remote_user: Located | None = None
    port: Located | None = None
    environment: tuple[Located, ...] = ()  # outer first; later entries win
    module_defaults: tuple[Located, ...] = ()  # outer first
    no_log: Located | None = None
    ignore_errors: Located | None = None
    ignore_unreachable: Located | None = None
    check_mode: Located | None = None
    diff: Located | None = None
    run_once: Located | None = None
    any_errors_fatal: Located | None = None
    throttle: Located | None = None
    timeout: Located | None = None
    debugger: Located | None = None
    batch: Located | None = None  # ours: False keeps this task out of segments
    when: tuple[Located, ...] = ()  # outer first, all must hold
    tags: frozenset[str] = frozenset()
    collections: tuple[str, ...] = ()  # where roles with short names are looked for first
    delegate_to: Located | None = None
    delegate_facts: Located | None = None
    notify: tuple[Located, ...] = ()
    vars: tuple[YamlMap, ...] = ()  # block vars outer first, then the task's own (last)


@dataclass(frozen=True)
class Role:
    """One use of a role: what its tasks see. `params` are the role entry's extra keys and vars."""

    name: str
    path: str
    span: Span
    defaults: YamlMap
    vars: YamlMap
    params: YamlMap
    parents: tuple[Role, ...] = ()  # roles that depend on or include this one, nearest first
    dependencies: tuple[Role, ...] = ()
    allow_duplicates: bool = False
    public: bool = True  # False: include_role without public
    argument_specs: YamlMap | None = None
    tasks_from: str = "main"  # which of its task files this use runs, also its entry in argument_specs
    identity: str = ""  # equal for uses that count as the same: such a role runs once per play and host unless allow_duplicates
    collections: tuple[str, ...] = ()  # of `meta/main`: where its short names of modules and roles are looked for


@dataclass(frozen=True)
class Task:
    """One action. `module` is the canonical short name ("copy" for ansible.builtin.copy), or "ansible.legacy.copy" where a file of that
    name is brought beside the playbook."""

    span: Span
    module: str
    module_span: Span
    args: YamlMap
    name: Located | None = None
    free_form: Located | None = None  # the text of `shell: TEXT` where the module takes one
    register: str | None = None
    loop: Loop | None = None
    until: tuple[Located, ...] | None = None
    retries: Located | None = None
    delay: Located | None = None
    changed_when: tuple[Located, ...] | None = None
    failed_when: tuple[Located, ...] | None = None
    async_: Located | None = None
    poll: Located | None = None
    listen: tuple[str, ...] = ()  # handlers
    shared: Shared = field(default_factory=Shared)
    role: Role | None = None
    is_handler: bool = False
    is_local_action: bool = False
    apply: Shared | None = None  # include_*: what the included tasks start from (`shared` of load_tasks): blocks around it, then `apply`
    params: tuple[Mapping[str, Any], ...] = ()  # vars of the includes that brought it, outer first
    block_vars: int = 0  # how many of shared.vars came from blocks (the rest is the task's own)
    file: str = ""  # the file it was written in: base for relative paths

    @property
    def word(self) -> str:
        """The module as people call it."""
        return self.module.removeprefix("ansible.legacy.")


def called(handler: Task, word: str) -> list[str]:
    """What a `notify` may say for a handler's name or topic: the word itself, also with the handler's role before it."""
    if handler.role is None:
        return [word]
    roles = dict.fromkeys((handler.role.name, handler.role.name.rpartition(".")[2]))
    return [word, *(f"{role}{colon}{word}" for role in roles for colon in (" : ", ":"))]


@dataclass(frozen=True)
class Block:
    """`block`/`rescue`/`always`; a plain list of tasks is a block without the other two.

    `role_end` names the role whose tasks this block holds (for `role already ran` and `meta: end_role`)."""

    span: Span
    tasks: tuple[Union[Block, Task], ...]
    rescue: tuple[Union[Block, Task], ...] = ()
    always: tuple[Union[Block, Task], ...] = ()
    name: Located | None = None
    role: Role | None = None


@dataclass(frozen=True)
class Play:
    """One play. `sections` are pre_tasks, roles with tasks, post_tasks: handlers are flushed after each."""

    span: Span
    file: str
    name: Located | None
    hosts: Located
    vars: YamlMap
    vars_files: tuple[Located, ...] = ()
    vars_prompt: tuple[YamlMap, ...] = ()
    sections: tuple[Block, Block, Block] = None  # type: ignore[assignment]
    handlers: tuple[Union[Block, Task], ...] = ()
    roles: tuple[Role, ...] = ()
    gather_facts: Located | None = None
    gather_subset: Located | None = None
    gather_timeout: Located | None = None
    fact_path: Located | None = None
    serial: Located | None = None
    strategy: Located | None = None
    order: Located | None = None
    max_fail_percentage: Located | None = None
    force_handlers: Located | None = None
    shared: Shared = field(default_factory=Shared)  # the play's own keywords (for the implicit setup task)
    import_vars: YamlMap | None = None  # vars of the import_playbook that brought it


@dataclass(frozen=True)
class Playbook:
    """Plays in the order in which they run."""

    path: str
    plays: tuple[Play, ...]
    sources: Mapping[str, str] = field(default_factory=dict)  # text of each file read, by path, for messages
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class Included:
    """What an include_tasks or include_role brings in while the play runs."""

    block: Block
    handlers: tuple[Union[Block, Task], ...] = ()  # of the roles in it; to be added to the play's
    roles: tuple[Role, ...] = ()  # the roles in it, dependencies first
    sources: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[Diagnostic, ...] = ()


Item = Union[Block, Task]
