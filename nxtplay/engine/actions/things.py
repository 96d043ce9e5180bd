"""The objects that an action plugin is handed: its task, the connection, the play's context, the loader of files, templates, variables."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import posixpath
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from nxtplay.core.state import UnknownReached
from nxtplay.engine.actions.errand import Errand
from nxtplay.errors import NxtplayError, Unreachable
from nxtplay.playbook.search import search_path
from nxtplay.template.ansible_shim import Loader as Files
from nxtplay.template.lazy import finish


class TaskVars(dict):  # type: ignore[type-arg]
    """The variables of a task. Each is rendered when it is asked for; one that cannot be is as it is written."""

    def __init__(self, errand: Errand) -> None:
        super().__init__()
        self._errand, self._names = errand, dict.fromkeys(errand.view())

    def __getitem__(self, name: str) -> Any:
        if name == "vars":
            return self
        if name not in self._names:
            raise KeyError(name)
        if not dict.__contains__(self, name):
            dict.__setitem__(self, name, self._value(name))
        return dict.__getitem__(self, name)

    def _value(self, name: str) -> Any:
        view = self._errand.view()
        if name == "hostvars":
            return view[name]
        try:
            return copy.deepcopy(finish(view[name]))
        except (NxtplayError, UnknownReached):
            return self._errand.scope.find(name)[0]

    def __contains__(self, name: object) -> bool:
        return name in self._names or name == "vars"  # not among those that are gone through: it is all of them

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._names))

    def __len__(self) -> int:
        return len(self._names)

    def __setitem__(self, name: str, value: Any) -> None:
        self._names[name] = None
        dict.__setitem__(self, name, value)

    def __delitem__(self, name: str) -> None:
        del self._names[name]
        dict.pop(self, name, None)

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def setdefault(self, name: str, default: Any = None) -> Any:
        if name not in self:
            self[name] = default
        return self[name]

    def pop(self, name: str, *default: Any) -> Any:
        if name not in self and default:
            return default[0]
        value = self[name]
        del self[name]
        return value

    def update(self, *others: Any, **more: Any) -> None:
        for name, value in dict(*others, **more).items():
            self[name] = value

    def keys(self) -> Any:
        return dict.fromkeys(self._names).keys()

    def values(self) -> Any:
        return [self[name] for name in self]

    def items(self) -> Any:
        return [(name, self[name]) for name in self]

    def copy(self) -> Any:
        other = TaskVars(self._errand)
        for name in list(other):
            if name not in self._names:
                del other[name]
        for name in self._names:
            if dict.__contains__(self, name):
                other[name] = dict.__getitem__(self, name)
        return other

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()


class PluginTask:
    """The task, as a plugin reads it. What it sets is its own."""

    def __init__(self, errand: Errand, args: Mapping[str, Any]) -> None:
        task, dispatch = errand.task, errand.dispatch
        shared = task.shared
        self.args: dict[str, Any] = copy.deepcopy(dict(args))
        self.action = self.resolved_action = task.word
        self.name = str(errand.render(task.name.value)) if task.name else ""
        self.check_mode = errand.in_check
        self.diff = dispatch.options.diff if shared.diff is None else dispatch.flag(shared.diff, errand.scope)
        self.async_val = self.async_ = int(dispatch.number("async", task.async_, errand.scope))
        self.poll = int(dispatch.number("poll", task.poll, errand.scope, otherwise=15))
        self.delegate_to = errand.render(shared.delegate_to.value) if shared.delegate_to else None
        self.delegate_facts = dispatch.flag(shared.delegate_facts, errand.scope)
        self.environment = [finish(errand.render(one.value)) for one in shared.environment]
        self.ignore_errors = dispatch.flag(shared.ignore_errors, errand.scope)
        self.no_log = dispatch.flag(shared.no_log, errand.scope)
        self.run_once = bool(shared.run_once)
        self.become = errand.dispatch.target(task, errand.host, errand.scope).escalation is not None
        self.register, self.loop, self.tags = task.register, None, list(shared.tags)
        self.collections = list(shared.collections) or None
        self.vars: dict[str, Any] = {name: value for layer in shared.vars for name, value in layer.items()}
        self.module_defaults: list[Any] = []
        self.notify = [one.value for one in shared.notify]
        self._uuid = errand.task_id
        self._parent = self._ds = None
        self._role = None
        if task.role is not None:
            name, path = task.role.name, os.path.abspath(task.role.path)
            self._role = SimpleNamespace(_role_path=path, _role_name=name, get_name=lambda: name, _metadata=None)
        self._folders = search_path(task, dispatch.scopes.playbook_dir)

    def get_name(self, include_role_fqcn: bool = True) -> str:
        return self.name or self.action

    def get_search_path(self) -> list[str]:
        return list(self._folders)

    def get_ds(self) -> Any:
        return self._ds

    def copy(self, exclude_parent: bool = False, exclude_tasks: bool = False) -> PluginTask:
        other = copy.copy(self)
        other.args = copy.deepcopy(self.args)
        return other


class Shell:
    """How the host's shell is spoken to."""

    SHELL_FAMILY = "sh"
    _SHELL_AND = "&&"

    def __init__(self) -> None:
        self.tmpdir: str | None = None

    join_path = staticmethod(posixpath.join)
    get_remote_filename = staticmethod(posixpath.basename)

    @staticmethod
    def path_has_trailing_slash(path: str) -> bool:
        return path.endswith("/")

    @staticmethod
    def quote(text: str) -> str:
        return shlex.quote(text)

    @staticmethod
    def expand_user(home: str, username: str = "") -> str:
        return f"echo {home}"

    @staticmethod
    def exists(path: str) -> str:
        return f"test -e {shlex.quote(path)}"

    @staticmethod
    def remove(path: str, recurse: bool = False) -> str:
        return f"rm -f {'-r ' if recurse else ''}{shlex.quote(path)}"

    @staticmethod
    def chmod(paths: Any, mode: str) -> str:
        return " ".join(["chmod", mode, *(shlex.quote(path) for path in paths)])

    @staticmethod
    def env_prefix(**names: Any) -> str:
        return " ".join(f"{name}={shlex.quote(str(value))}" for name, value in names.items())

    @staticmethod
    def wrap_for_exec(line: str) -> str:
        return line

    def get_option(self, name: str, *_: Any) -> Any:
        return {"remote_tmp": "~/.ansible/tmp", "async_dir": "~/.ansible_async", "system_tmpdirs": ["/var/tmp", "/tmp"]}.get(name)


class PluginConnection:
    """The connection of a plugin's task."""

    has_pipelining = True
    has_native_async = False
    connected = True
    become = None

    def __init__(self, errand: Errand) -> None:
        self._errand = errand
        self._target = errand.dispatch.target(errand.task, errand.host, errand.scope)
        self.transport = self._target.kind
        self._shell = Shell()
        self._options: dict[str, Any] = {}
        self._play_context = play_context(errand)
        self._load_name = self.ansible_name = self.transport
        self.host = self._target.address

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        """A host that is not reached, as plugins expect to be told."""
        from ansible.errors import AnsibleConnectionFailure  # type: ignore[import-not-found]

        try:
            yield
        except Unreachable as error:
            raise AnsibleConnectionFailure(str(error)) from error

    def exec_command(self, cmd: str, in_data: Any = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        with self._reached():
            found = self._errand.command(cmd, stdin=in_data)
        return int(found["rc"]), *(found[name].encode("utf-8", "surrogateescape") for name in ("stdout", "stderr"))

    def put_file(self, in_path: str, out_path: str) -> None:
        self._errand.only_a_run(f"sends {os.path.basename(in_path)}")
        with self._reached():
            self._errand.must("ansible.builtin.copy", src=os.path.abspath(in_path), dest=out_path)

    def fetch_file(self, in_path: str, out_path: str) -> None:
        self._errand.only_a_run(f"fetches {in_path}")
        with self._reached():
            self._errand.must("ansible.builtin.fetch", src=in_path, dest=os.path.abspath(out_path), flat=True)

    def get_option(self, name: str, *_: Any, **__: Any) -> Any:
        target = self._target
        own = {
            "host": target.address,
            "remote_addr": target.address,
            "port": target.port,
            "remote_user": target.user,
            "password": target.password,
        }
        if name in own:
            return own[name]
        settings = dict(target.settings)
        return next((settings[key] for key in (f"ansible_{name}", f"ansible_{self.transport}_{name}") if key in settings), None)

    def has_option(self, name: str) -> bool:
        return self.get_option(name) is not None

    def set_option(self, name: str, value: Any) -> None:
        raise AttributeError(f"the connection's {name} is the inventory's to say")

    def set_options(self, *_: Any, **__: Any) -> None: ...

    def reset(self) -> None:
        if not self._errand.in_check:
            self._errand.dispatch.connections.drop(self._target)

    def close(self) -> None: ...

    def _connect(self) -> PluginConnection:
        return self


def play_context(errand: Errand) -> Any:
    target, options = errand.dispatch.target(errand.task, errand.host, errand.scope), errand.dispatch.options
    as_other = target.escalation
    settings = dict(target.settings)
    return SimpleNamespace(
        check_mode=errand.in_check,
        diff=options.diff,
        verbosity=options.verbosity,
        remote_addr=target.address,
        remote_user=target.user,
        port=target.port,
        password=target.password,
        connection=target.kind,
        timeout=options.timeout or 10,
        become=as_other is not None,
        become_user=as_other.user if as_other else None,
        become_method=as_other.method if as_other else None,
        become_exe=as_other.exe if as_other else None,
        become_flags=as_other.flags if as_other else None,
        become_pass=as_other.password if as_other else None,
        private_key_file=settings.get("ansible_ssh_private_key_file") or settings.get("ansible_private_key_file") or options.private_key,
        executable="/bin/sh",
        shell="sh",
        network_os=TaskVars(errand).get("ansible_network_os"),
        no_log=False,
        docker_extra_args=settings.get("ansible_docker_extra_args"),
    )


class PluginLoader(Files):
    """Files of the controller, as a plugin asks for them."""

    def __init__(self, errand: Errand) -> None:
        self._errand = errand
        self._made: list[str] = []

    def get_basedir(self) -> str:
        return self._errand.dispatch.scopes.playbook_dir

    def path_dwim(self, given: str) -> str:
        return os.path.normpath(os.path.join(self.get_basedir(), os.path.expanduser(given)))

    def path_dwim_relative_stack(self, paths: Any, dirname: str, source: str, is_role: bool = False) -> str:
        from ansible.errors import AnsibleFileNotFound

        for path in [*paths, self.get_basedir()]:
            found = self.path_dwim_relative(path, dirname, source)
            if os.path.exists(found):
                return found
        raise AnsibleFileNotFound(f"could not find {source}")

    def get_real_file(self, file_path: str, decrypt: bool = True) -> str:
        """The file itself, or a temporary one with the plain text of a vault's."""
        from ansible.errors import AnsibleFileNotFound

        path = self.path_dwim(file_path)
        if not os.path.isfile(path):
            raise AnsibleFileNotFound(f"the file {path} is not there")
        with open(path, "rb") as stream:
            if not decrypt or not stream.read(20).startswith(b"$ANSIBLE_VAULT"):
                return path
        handle, plain = tempfile.mkstemp(prefix="nxtplay-")
        self._made.append(plain)
        with os.fdopen(handle, "wb") as stream:
            stream.write(self._errand.read(path))
        return plain

    def load_from_file(self, file_name: str, *_: Any, **__: Any) -> Any:
        return self.load(self._errand.read(self.path_dwim(file_name)).decode(), file_name)

    def load(self, data: str, file_name: str = "<string>", *_: Any, **__: Any) -> Any:
        from nxtplay.template.filters_codec import from_yaml

        return from_yaml(data)

    def _get_file_contents(self, file_name: str) -> tuple[bytes, bool]:
        return self._errand.read(self.path_dwim(file_name)), True

    get_text_file_contents = staticmethod(lambda path: open(path, encoding="utf-8").read())  # noqa: SIM115

    def is_executable(self, path: str) -> bool:
        return os.access(path, os.X_OK)

    def list_directory(self, path: str) -> list[str]:
        return os.listdir(path)

    def cleanup_tmp_file(self, file_path: str) -> None:
        if file_path in self._made:
            self._made.remove(file_path)
            os.unlink(file_path)

    def cleanup_all_tmp_files(self) -> None:
        for path in list(self._made):
            self.cleanup_tmp_file(path)


class Templar:
    """Templates of the task. `available_variables` may be set to others."""

    environment = None

    def __init__(self, errand: Errand) -> None:
        self._errand = errand
        self._variables: Any = None

    @property
    def available_variables(self) -> Any:
        if self._variables is None:
            self._variables = TaskVars(self._errand)
        return self._variables

    @available_variables.setter
    def available_variables(self, values: Any) -> None:
        self._variables = values

    @property
    def _loader(self) -> Any:
        return PluginLoader(self._errand)

    def template(self, variable: Any, *_: Any, **__: Any) -> Any:
        from ansible.errors import AnsibleUndefinedVariable

        from nxtplay.errors import UndefinedVariable

        own = self._variables if self._variables is not None and not isinstance(self._variables, TaskVars) else None
        changed = None if self._variables is None else dict.items(self._variables) if own is None else own.items()
        try:
            return self._errand.render(variable, None if changed is None else dict(changed))
        except UndefinedVariable as error:
            raise AnsibleUndefinedVariable(str(error)) from error

    do_template = template

    def evaluate_expression(self, expression: str, **_: Any) -> Any:
        return self.template("{{ " + expression + " }}")

    def evaluate_conditional(self, conditional: Any) -> bool:
        return bool(self.template("{{ true if (" + str(conditional) + ") else false }}"))

    def is_template(self, data: Any) -> bool:
        from nxtplay.template.values import is_template

        return isinstance(data, str) and is_template(data)

    is_possibly_template = is_template

    def copy_with_new_env(self, *, available_variables: Any = None, **_: Any) -> Templar:
        other = Templar(self._errand)
        other._variables = self._variables if available_variables is None else available_variables
        return other

    @contextlib.contextmanager
    def set_temporary_context(self, *, available_variables: Any = None, **_: Any) -> Iterator[None]:
        before = self._variables
        self._variables = before if available_variables is None else available_variables
        try:
            yield
        finally:
            self._variables = before


def write_temporary(data: Any) -> str:
    """A temporary file with a text, bytes, or what becomes JSON."""
    if not isinstance(data, (str, bytes)):
        data = json.dumps(data)
    handle, path = tempfile.mkstemp(prefix="nxtplay-")
    with os.fdopen(handle, "wb") as stream:
        stream.write(data.encode() if isinstance(data, str) else data)
    return path


def remove_local(path: str) -> None:
    if os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
