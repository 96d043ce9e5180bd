"""Which variables a task sees, level by level; what includes and vars files bring in while a play runs."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from nxtplay.engine.hosts import HostRun
from nxtplay.engine.includes import Includes
from nxtplay.engine.magic import Magic, of_template
from nxtplay.engine.options import Options
from nxtplay.engine.prompts import Ask, answers
from nxtplay.errors import Diagnostic, PlaybookErrors, TemplateError, UndefinedVariable, VariableError
from nxtplay.playbook.keywords import templated
from nxtplay.playbook.model import Located, Loop, Play, Role, Shared, Task
from nxtplay.playbook.search import candidates, search_path
from nxtplay.template.render import Templates
from nxtplay.template.values import OMIT, needs_rendering, unsafe
from nxtplay.template.vaulttext import HEADER
from nxtplay.variables.precedence import Layer, Level, Scope

if TYPE_CHECKING:
    from nxtplay.inventory.model import Inventory


Reached = tuple[tuple[str, Any], ...]


class TaskScope(Scope):
    """The scope of one task, with what its loop and its own result add."""

    __slots__ = ()

    def with_item(self, values: Mapping[str, Any], loop: Loop) -> TaskScope:
        return self.plus(Layer(Level.INCLUDE_PARAMS, "loop", values, trusted=False, written=loop.value.value))

    def with_result(self, name: str | None, result: Mapping[str, Any]) -> TaskScope:
        """For changed_when, failed_when and until: the result under its registered name."""
        if name is None:
            return self.plus()
        return self.plus(Layer(Level.SET_FACT, "register", {name: result}, trusted=False))


class MergingScope(TaskScope):
    """A scope in which mappings of one name are one mapping, the higher level counting for each key (hash_behaviour = merge)."""

    __slots__ = ()

    def find(self, name: str) -> tuple[Any, bool]:
        value, trusted = super().find(name)
        if not isinstance(value, dict):
            return value, trusted
        held = [layer.values[name] for layer in self._top_down if layer.trusted == trusted and name in layer.values]
        return _merged(list(itertools.takewhile(lambda one: isinstance(one, dict), held))), trusted


class Scopes:
    """Builds scopes. What changes during a run (facts, registered values) is layered by reference, so nothing is copied per task."""

    def __init__(
        self,
        inventory: Inventory,
        templates: Templates,
        options: Options,
        *,
        playbook_dir: str,
        read: Callable[[str], Any],
        given: Any,
    ) -> None:
        self.inventory = inventory
        self.templates = templates
        self.options = options
        self.playbook_dir = playbook_dir
        self.hosts: Callable[[str], HostRun] = HostRun
        self._kind = MergingScope if options.merge else TaskScope
        self.includes = Includes(playbook_dir=playbook_dir, given=given, publish=self._publish)
        self.ask: Ask | None = None
        self._read = read
        self._play: Play | None = None
        self._play_hosts: list[str] = []
        self._batch: list[str] = []
        self._public: list[Role] = []  # roles whose defaults and vars the whole play sees
        self._bases: dict[tuple[str, int, Reached], TaskScope] = {}
        self._inherited: dict[str, list[Layer]] = {}
        self._own: dict[int, tuple[Task, list[Layer], Layer, Reached]] = {}  # by id of a task
        self._vars_files: dict[str, Any] = {}
        self._prompted: dict[str, Any] = {}
        self._answered: Play | None = None  # whose questions those are answers to
        self._stats: dict[str, dict[str, Any]] = {}
        self._extra = Layer(Level.EXTRA_VARS, "command line", options.extra_vars)
        self._magic = Magic(inventory, options, _HostVars(self), playbook_dir=playbook_dir)

    # -- plays

    def ask_for(self, play: Play) -> None:
        """What a play asks for comes before all else: which hosts it means may hang on it."""
        self._prompted = answers(play, self.ask, self._extra.values, lambda said: self.keyword(play, Located(said, play.span)))
        self._answered = play

    def begin_play(self, play: Play, hosts: Sequence[str]) -> None:
        self._play, self._play_hosts = play, list(hosts)
        self._public = [role for role in play.roles if role.public]
        self._inherited.clear()
        self._own.clear()
        self.begin_batch(hosts)

    def begin_batch(self, hosts: Sequence[str]) -> None:
        assert self._play is not None
        self._batch = list(hosts)
        self._bases.clear()
        self.includes.one_host = len(hosts) == 1
        everybody = [self.hosts(name) for name in self._play_hosts]
        self._magic.begin(self._play, self.title(self._play), everybody, [self.hosts(name) for name in hosts])

    def _publish(self, roles: Sequence[Role]) -> None:
        self._public += roles
        self._bases.clear()

    # -- before there is a host

    def keyword(self, play: Play, located: Located) -> Any:
        """What a play's own keyword says. Variables of the play, of its files and roles may stand in it."""
        if not needs_rendering(located.value):
            return located.value
        layers = self._without_host(play, [role for role in play.roles if role.public])
        return self.templates.render(located.value, Scope([*layers, self._extra, *self._magic.layers(None, None)]), span=located.span)

    def pattern(self, play: Play) -> str | list[str]:
        """Which hosts a play means: none while that hangs on what it has not asked for yet. What means none by accident (a variable
        that is empty) must not come to mean all."""
        try:
            said = self.keyword(play, play.hosts)
        except UndefinedVariable as error:
            if self._answered is not play and any(error.name == prompt.get("name") for prompt in play.vars_prompt):
                return []
            raise
        parts = said if isinstance(said, list) else [said]
        if any(isinstance(part, (Mapping, list)) or part is None or not str(part).strip() for part in parts):
            raise PlaybookErrors(Diagnostic(f"hosts: takes a pattern of hosts or a list of them, found {said!r}", play.hosts.span))
        return [str(part) for part in parts] if isinstance(said, list) else str(said)

    def title(self, play: Play) -> str:
        """A play's name; one without is called by its hosts."""
        named = None if play.name is None else self.keyword(play, play.name)
        if named is not OMIT and named not in (None, ""):
            return str(named)
        pattern = self.pattern(play)
        return ",".join(pattern) if isinstance(pattern, list) else pattern

    def of_handler(self, handler: Task) -> Scope:
        """What a handler's name may use."""
        layers = self._without_host(self._play, [*self._public, *_chain(handler.role)])
        layers += [Layer(Level.TASK_VARS, "task vars", values) for values in handler.shared.vars]
        layers += [Layer(Level.ROLE_PARAMS, "role params", one.params) for one in _chain(handler.role)]
        return Scope([*layers, self._extra, *self._magic.layers(None, handler.role)])

    def _without_host(self, play: Play | None, roles: Sequence[Role]) -> list[Layer]:
        layers = [Layer(Level.ROLE_DEFAULTS, "role defaults", role.defaults) for role in roles]
        if play is not None:
            layers += [Layer(Level.PLAY_VARS, "play vars", values) for values in (play.import_vars, play.vars) if values]
            if self._answered is play:
                layers.append(Layer(Level.PLAY_VARS, "vars_prompt", self._prompted, trusted=False))
            layers += self._files_of(play, None, layers)
        return [*layers, *(Layer(Level.ROLE_VARS, "role vars", role.vars) for role in roles)]

    # -- tasks

    def of_task(self, host: HostRun, task: Task) -> TaskScope:
        """All levels for a task, low to high."""
        known = self._own.get(id(task))
        if known is None:
            # with the task, so that its id stays its own
            known = self._own[id(task)] = (task, *self._of_its_own(task), _reached(task.shared, self.options))
        _, variables, places, reached = known
        return self._base(host, task.role, reached).plus(*variables, *self._late(host, task.role, task.params), places)

    def _of_its_own(self, task: Task) -> tuple[list[Layer], Layer]:
        """What a task brings itself, the same on every host: variables, and where lookups look for files and templates."""
        blocks, own = task.shared.vars[: task.block_vars], task.shared.vars[task.block_vars :]
        layers = [Layer(Level.BLOCK_VARS, "block vars", values) for values in blocks]
        layers += [Layer(Level.TASK_VARS, "task vars", values) for values in own]
        places = {"ansible_search_path": search_path(task, self.playbook_dir)}
        return layers, Layer(Level.MAGIC, "nxtplay", places, trusted=False)

    def of_host(self, host: HostRun, role: Role | None = None, own: Sequence[Layer] = ()) -> TaskScope:
        """What a host has in the play, or in a role of it with what that use hands down; a delegate's own view."""
        return self._base(host, role).plus(*own, *self._late(host, role))

    def _base(self, host: HostRun, role: Role | None, reached: Reached = ()) -> TaskScope:
        key = (host.name, id(role), reached)
        found = self._bases.get(key)
        if found is None:
            early = self._early(host, role)
            if reached:
                given = (("ansible_host", host.name), *reached)
                values = {name: value for name, value in given if not _among(name.replace("ansible_", "ansible_ssh_"), early)}
                early.insert(0, Layer(Level.COMMAND_LINE, "how the host is reached", values, trusted=False))
            found = self._bases[key] = self._kind(early)
        return found

    def _early(self, host: HostRun, role: Role | None) -> list[Layer]:
        play = self._play
        layers: list[Layer] = []
        for public in self._public:
            layers.append(Layer(Level.ROLE_DEFAULTS, f"defaults of role {public.name}", public.defaults))
        for one in _sources(role):
            layers.append(Layer(Level.ROLE_DEFAULTS, f"defaults of role {one.name}", one.defaults))
        if host.name not in self._inherited:
            self._inherited[host.name] = list(self.inventory.layers(host.name))
        layers += self._inherited[host.name]
        layers.append(Layer(Level.FACTS, "facts", _Injected(host.facts, host.plain_facts), trusted=False))
        layers.append(Layer(Level.FACTS, "facts", host.cached_facts, trusted=False))
        if play is not None:
            if play.import_vars is not None:
                layers.append(Layer(Level.PLAY_VARS, "vars of import_playbook", play.import_vars))
            layers.append(Layer(Level.PLAY_VARS, "play vars", play.vars))
            layers.append(Layer(Level.PLAY_VARS, "vars_prompt", self._prompted, trusted=False))
            layers += self._files_of(play, host, layers)
        for public in self._public:
            layers.append(Layer(Level.ROLE_VARS, f"vars of role {public.name}", public.vars))
        for one in _sources(role):
            layers.append(Layer(Level.ROLE_VARS, f"vars of role {one.name}", one.vars))
        return layers

    def _late(self, host: HostRun, role: Role | None, params: Sequence[Mapping[str, Any]] = ()) -> list[Layer]:
        layers = [
            Layer(Level.INCLUDE_VARS, "include_vars", host.included),
            Layer(Level.SET_FACT, "set_fact and register", host.set_facts, trusted=False),
        ]
        if host.rescue:
            layers.append(Layer(Level.SET_FACT, "rescue", host.rescue, trusted=False))
        layers += [Layer(Level.ROLE_PARAMS, f"params of role {one.name}", one.params) for one in _chain(role) if one.params]
        layers += [Layer(Level.INCLUDE_PARAMS, "vars of an include", values) for values in params]
        layers += [self._extra, *self._magic.layers(host, role)]
        return layers

    def _files_of(self, play: Play, host: HostRun | None, below: list[Layer]) -> list[Layer]:
        """The vars_files of a play; without a host those that can be named without one."""
        if not play.vars_files:
            return []
        from nxtplay.variables import files as variables

        out = []
        for entry in play.vars_files:
            scope = Scope([*below, self._extra, *self._magic.layers(host, None)])
            try:
                choices = self.templates.render(entry.value, scope, span=entry.span)
            except TemplateError:
                if host is None:
                    continue
                raise
            tried = []
            named = choices if isinstance(choices, list) else [choices]
            for path in (place for choice in named for place in candidates(str(choice), "vars", [self.playbook_dir])):
                tried.append(path)
                if os.path.exists(path):
                    if path not in self._vars_files:
                        self._vars_files[path] = variables.load_file(path, read=self._read)
                    out.append(Layer(Level.VARS_FILES, path, self._vars_files[path]))
                    break
            else:
                if host is not None:
                    raise PlaybookErrors(Diagnostic("vars file not found", entry.span, "looked for: " + ", ".join(tried)))
        return out

    def view_of(self, name: str) -> Any:
        """A host's variables as another host's task sees them in hostvars: no play's, no task's."""
        host = self.hosts(name)
        layers = [
            *self.inventory.layers(name),
            Layer(Level.FACTS, "facts", _Injected(host.facts, host.plain_facts), trusted=False),
            Layer(Level.FACTS, "facts", host.cached_facts, trusted=False),
            Layer(Level.INCLUDE_VARS, "include_vars", host.included),
            Layer(Level.SET_FACT, "set_fact and register", host.set_facts, trusted=False),
            self._extra,
            Layer(
                Level.MAGIC,
                "nxtplay",
                {**self._magic.of_host(host), "groups": self.inventory.magic_groups(), "playbook_dir": self.playbook_dir},
                trusted=False,
            ),
        ]
        return self.templates.view(self._kind(layers))

    # -- vars files

    def read_vars(self, task: Task, args: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        from nxtplay.variables import files as variables

        def find(path: str) -> list[str]:
            return candidates(path, "vars", search_path(task, self.playbook_dir))

        return variables.include_vars(args, find=find, read=self._read, span=task.span)

    def over(self, scope: Scope, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values merged into what their names stand for so far (hash_behaviour merge)."""
        from nxtplay.variables import files as variables

        there: dict[str, Any] = {}
        for name in values:
            with contextlib.suppress(KeyError):
                value, trusted = scope.find(name)
                there[name] = value if trusted else unsafe(value)
        return variables.merged(there, values)

    # -- loops, files, changes of the inventory

    def render_file(self, path: str, options: Mapping[str, Any], scope: Scope, search: Sequence[str]) -> Any:
        """A template file as text (or Unknown); `options` are those of the module `template`, others are passed over."""
        from nxtplay.template.files import TemplateOptions

        with open(path, encoding="utf-8", newline="") as stream:
            text = stream.read()
        if text.startswith(HEADER):
            try:
                text = self.templates.decrypted(text)
            except VariableError as error:
                raise TemplateError(*error.diagnostics) from None
        known = {f.name: options[f.name] for f in fields(TemplateOptions) if options.get(f.name) is not None}
        around = scope.plus(of_template(path, str(options.get("src", path)), options.get("dest")))
        return self.templates.render_file(text, around, options=TemplateOptions(**known), file=path, search=search)

    def add_host(self, name: str, groups: Sequence[str], variables: Mapping[str, Any]) -> bool:
        changed = self.inventory.add_host(name, groups, variables)
        self._forget(name)
        return changed

    def add_to_group(self, name: str, group: str, parents: Sequence[str]) -> bool:
        changed = self.inventory.add_to_group(name, group, parents)
        self._forget(name)
        return changed

    def _forget(self, name: str) -> None:
        self._magic.forget()
        self._inherited.pop(name, None)
        self._bases = {key: base for key, base in self._bases.items() if key[0] != name}

    def refresh_inventory(self) -> None:
        self.inventory.refresh()
        self._magic.forget()
        self._inherited.clear()
        self._bases.clear()

    def clear_errors(self) -> None:
        for name in self._play_hosts:
            self.hosts(name).forgive()

    def add_stats(self, host: str, data: Mapping[str, Any], *, aggregate: bool) -> None:
        kept = self._stats.setdefault(host, {})
        for key, value in data.items():
            old = kept.get(key)
            if aggregate and old is not None and type(old) is type(value) and isinstance(value, (int, float, list, dict)):
                kept[key] = {**old, **value} if isinstance(value, dict) else old + value
            else:
                kept[key] = value


class _Injected(Mapping[str, Any]):
    """Facts under their `ansible_` names; the plain ones under their own, as the module named them."""

    def __init__(self, facts: Mapping[str, Any], plain: AbstractSet[str]) -> None:
        self._facts, self._plain = facts, plain

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(name)
        return self._facts[name[8:] if name.startswith("ansible_") else name]

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        if name.startswith("ansible_"):
            return name[8:] in self._facts
        return (name in self._plain or name in ("module_setup", "facter", "ohai")) and name in self._facts

    def __iter__(self) -> Iterator[str]:
        return (name if name in self._plain else f"ansible_{name}" for name in self._facts)

    def __len__(self) -> int:
        return len(self._facts)


class _HostVars(Mapping[str, Any]):
    """hostvars: every host of the inventory, its variables rendered when read."""

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    def __getitem__(self, name: str) -> Any:
        if name not in self._scopes.inventory:
            raise KeyError(name)
        return self._scopes.view_of(self._scopes.inventory.meant(name))

    def __contains__(self, name: object) -> bool:
        return name in self._scopes.inventory

    def __iter__(self) -> Iterator[str]:
        return iter(self._scopes.inventory.hosts)

    def __len__(self) -> int:
        return len(self._scopes.inventory.hosts)


def _sources(role: Role | None) -> list[Role]:
    """The roles whose defaults and vars a role's tasks see, weakest first: its parents, what it depends on, itself."""
    return [] if role is None else [*reversed(role.parents), *role.dependencies, role]


def _among(name: str, layers: Sequence[Layer]) -> bool:
    return any(name in layer.values for layer in layers)


def _reached(shared: Shared, options: Options) -> Reached:
    """Variables that tell a task how its host is reached where nothing sets them; a keyword with a template tells nothing."""
    given = {
        "ansible_connection": (shared.connection, options.connection or "ssh"),
        "ansible_user": (shared.remote_user, options.user),
    }
    values = {name: option if keyword is None else keyword.value for name, (keyword, option) in given.items()}
    return tuple((name, value) for name, value in values.items() if value is not None and not templated(value))


def _chain(role: Role | None) -> list[Role]:
    """A role's parents, farthest first, then the role."""
    return [] if role is None else [*reversed(role.parents), role]


def _merged(mappings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mappings as one, the first counting for each key, and likewise within them."""
    out: dict[str, Any] = {}
    for one in reversed(mappings):
        for key, value in one.items():
            below = out.get(key)
            out[key] = _merged([value, below]) if isinstance(value, dict) and isinstance(below, dict) else value
    return out
