"""`ansible.plugins.action`: what action plugins are made from."""

from __future__ import annotations

import os
import shlex
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from nxtplay.engine.actions.errand import Errand
from nxtplay.engine.actions.things import (
    PluginConnection,
    PluginLoader,
    PluginTask,
    TaskVars,
    Templar,
    play_context,
    remove_local,
    write_temporary,
)
from nxtplay.errors import Unreachable
from nxtplay.playbook.search import candidates
from nxtplay.template.ansible_shim import AnsiblePlugin, Display


class ActionBase(AnsiblePlugin):
    """An action of Ansible's interface. `run` gives what the task registers."""

    TRANSFERS_FILES = False
    BYPASS_HOST_LOOP = False
    DEFAULT_SUDOABLE = True
    supports_raw_params = False
    _requires_connection = True
    _supports_check_mode = True
    _supports_async = False
    _VALID_ARGS: frozenset[str] = frozenset()

    def __init__(self, task: Any, connection: Any, play_context: Any, loader: Any, templar: Any, shared_loader_obj: Any = None) -> None:
        super().__init__()
        self._task, self._connection, self._play_context = task, connection, play_context
        self._loader, self._templar, self._shared_loader_obj = loader, templar, shared_loader_obj
        self._display = Display()
        self._cleanup_remote_tmp = False
        self._task_vars: Any = None
        self._errand: Errand = connection._errand

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        from ansible.errors import AnsibleActionFail, AnsibleActionSkip  # type: ignore[import-not-found]

        if self._task.async_val and not self._supports_async:
            raise AnsibleActionFail(f"{self._task.action} does not support async")
        if self._task.check_mode and not self._supports_check_mode:
            self._errand.only_a_run("does not foresee what it does")
            raise AnsibleActionSkip(f"{self._task.action} does not support check mode")
        wrong = sorted(set(self._task.args) - self._VALID_ARGS) if self._VALID_ARGS else ()
        if wrong:
            raise AnsibleActionFail(f"Invalid options for {self._task.action}: {','.join(wrong)}")
        self._task_vars = task_vars
        if self.TRANSFERS_FILES and self._connection._shell.tmpdir is None:
            self._make_tmp_path()
        return {}

    def cleanup(self, force: bool = False) -> None:
        if self._connection._shell.tmpdir and self._cleanup_remote_tmp:
            self._remove_tmp_path(self._connection._shell.tmpdir)

    # -- modules and commands

    def _execute_module(
        self,
        module_name: str | None = None,
        module_args: Any = None,
        tmp: Any = None,
        task_vars: Any = None,
        persist_files: bool = False,
        delete_remote_tmp: Any = None,
        wrap_async: Any = False,
        ignore_unknown_opts: bool = False,
    ) -> dict[str, Any]:
        args = self._task.args if module_args is None else module_args
        with self._connection._reached():
            return self._errand.module(module_name or self._task.action, args, wait=not wrap_async)

    def _low_level_execute_command(
        self,
        cmd: str,
        sudoable: bool = True,
        in_data: Any = None,
        executable: str | None = None,
        encoding_errors: str = "surrogate_then_replace",
        chdir: str | None = None,
    ) -> dict[str, Any]:
        line = f"cd {shlex.quote(chdir)} && {cmd}" if chdir else cmd
        with self._connection._reached():
            found = self._errand.command(line, stdin=in_data, executable=executable)
        return {**found, **{f"{name}_lines": found[name].splitlines() for name in ("stdout", "stderr")}}

    # -- files

    def _make_tmp_path(self, remote_user: Any = None) -> str:
        path = f"/tmp/nxtplay-{uuid.uuid4().hex}"
        if not self._errand.in_check:
            with self._connection._reached():
                self._errand.must("ansible.builtin.file", path=path, state="directory", mode="0700")
        self._connection._shell.tmpdir, self._cleanup_remote_tmp = path, True
        return path

    def _remove_tmp_path(self, tmp_path: str | None, force: bool = False) -> None:
        if tmp_path and "nxtplay-" in tmp_path and not self._errand.in_check:
            with self._connection._reached():
                self._errand.must("ansible.builtin.file", path=tmp_path, state="absent")
        if tmp_path and tmp_path == self._connection._shell.tmpdir:
            self._connection._shell.tmpdir = None

    def _early_needs_tmp_path(self) -> bool:
        return self.TRANSFERS_FILES

    def _transfer_file(self, local_path: str, remote_path: str) -> str:
        self._connection.put_file(local_path, remote_path)
        return remote_path

    def _transfer_data(self, remote_path: str, data: Any) -> str:
        self._errand.only_a_run("sends a file")
        path = write_temporary(data)
        try:
            return self._transfer_file(path, remote_path)
        finally:
            remove_local(path)

    def _fixup_perms2(self, remote_paths: Any, remote_user: Any = None, execute: bool = True) -> Any:
        """Whoever sent a file runs it here: it only has to be a program."""
        for path in remote_paths if execute and not self._errand.in_check else ():
            if path and not path.endswith("/") and path != self._connection._shell.tmpdir:
                self._errand.must("ansible.builtin.file", path=path, mode="u+x")
        return remote_paths

    def _remote_chmod(self, paths: Any, mode: Any, sudoable: bool = False) -> dict[str, Any]:
        return self._low_level_execute_command(self._connection._shell.chmod(paths, str(mode)))

    def _remote_expand_user(self, path: str, sudoable: bool = True, pathsep: Any = None) -> str:
        if not path.startswith("~"):
            return path
        home, slash, rest = path.partition("/")
        found = self._low_level_execute_command(self._connection._shell.expand_user(home))
        return str(found["stdout"]).strip() + slash + rest

    def _execute_remote_stat(self, path: str, all_vars: Any, follow: bool, tmp: Any = None, checksum: bool = True) -> dict[str, Any]:
        args = {"path": path, "follow": follow, "get_checksum": checksum, "checksum_algorithm": "sha1"}
        found = self._execute_module("ansible.builtin.stat", args, task_vars=all_vars)
        if found.get("failed"):
            from ansible.errors import AnsibleError

            raise AnsibleError(f"cannot look at {path}: {found.get('msg')}")
        return {"checksum": "1", **found["stat"]} if not found["stat"]["exists"] else {"checksum": "", **found["stat"]}

    def _remote_file_exists(self, path: str) -> bool:
        return bool(self._execute_remote_stat(path, self._task_vars, follow=True, checksum=False)["exists"])

    def _remote_checksum(self, path: str, all_vars: Any = None, follow: bool = False) -> str:
        return str(self._execute_remote_stat(path, all_vars, follow)["checksum"])

    def _find_needle(self, dirname: str, needle: str) -> str:
        from ansible.errors import AnsibleActionFail

        places = candidates(needle, dirname, self._task._folders)
        found = next((place for place in places if os.path.exists(place)), None)
        if found is None:
            raise AnsibleActionFail(f"could not find '{needle}' in expected paths: {', '.join(places)}")
        return found + ("/" if needle.endswith("/") else "")

    def _get_diff_data(
        self, destination: str, source: str, task_vars: Any, content: Any = None, source_file: bool = True
    ) -> dict[str, Any]:
        before = ""
        if self._remote_file_exists(destination):
            import base64

            found = self._execute_module("ansible.builtin.slurp", {"path": destination}, task_vars=task_vars)
            before = base64.b64decode(found["content"]).decode("utf-8", "replace")
        header = source if source_file else "dynamically generated"
        after = self._errand.read(source).decode("utf-8", "replace") if source_file else source
        return {
            "before": before,
            "after": after,
            "before_header": destination,
            "after_header": header,
        }

    # -- what it is told

    def validate_argument_spec(
        self,
        argument_spec: Any = None,
        mutually_exclusive: Any = None,
        required_together: Any = None,
        required_one_of: Any = None,
        required_if: Any = None,
        required_by: Any = None,
    ) -> tuple[Any, dict[str, Any]]:
        """The arguments under a specification; AnsibleActionFail where they are not as it says."""
        from ansible.errors import AnsibleActionFail
        from ansible.module_utils.common.arg_spec import ArgumentSpecValidator  # type: ignore[import-not-found]

        validator = ArgumentSpecValidator(
            argument_spec or {},
            mutually_exclusive=mutually_exclusive,
            required_together=required_together,
            required_one_of=required_one_of,
            required_if=required_if,
            required_by=required_by,
        )
        found = validator.validate(dict(self._task.args))
        if found.error_messages:
            result = {"argument_errors": list(found.error_messages)}
            raise AnsibleActionFail(f"Validation of arguments failed:\n{chr(10).join(found.error_messages)}", result=result)
        return found, found.validated_parameters

    def get_plugin_option(self, plugin: Any, option: str, default: Any = None) -> Any:
        found = plugin.get_option(option)
        return default if found is None else found

    def get_connection_option(self, option: str, default: Any = None) -> Any:
        return self.get_plugin_option(self._connection, option, default)

    def get_shell_option(self, option: str, default: Any = None) -> Any:
        return self.get_plugin_option(self._connection._shell, option, default)

    def get_become_option(self, option: str, default: Any = None) -> Any:
        found = getattr(self._play_context, option, None)
        return default if found is None else found

    def _get_remote_user(self) -> Any:
        return self._play_context.remote_user

    def _get_admin_users(self) -> list[str]:
        return ["root"]

    def _is_become_unprivileged(self) -> bool:
        user = self._play_context.become_user
        return bool(self._play_context.become and user not in ("root", self._play_context.remote_user))

    def _compute_environment_string(self, raw_environment_out: Any = None) -> str:
        found: dict[str, Any] = {}
        for one in self._task.environment:
            found.update(one if isinstance(one, Mapping) else {})
        if isinstance(raw_environment_out, dict):
            raw_environment_out.update(found)
        return str(self._connection._shell.env_prefix(**found))


class Builtin(ActionBase):
    """An action that is no plugin here: the module, or word of the language, of that name."""

    TRANSFERS_FILES = False
    _supports_async = True
    _name: str | None = None

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        return self._execute_module(self._name or self._task.action, self._task.args, task_vars=task_vars, wrap_async=self._task.async_val)


def builtin(name: str) -> type[Builtin]:
    """The class that stands for one of Ansible's own actions; `normal` is the module that the task names."""
    return type("ActionModule", (Builtin,), {"_name": None if name == "normal" else f"ansible.builtin.{name}", "__module__": __name__})


class Actions:
    """Where plugins ask for actions by name."""

    def __init__(self, errand: Errand | None = None) -> None:
        self._errand = errand

    def get(self, name: str, *_: Any, task: Any = None, connection: Any = None, shared_loader_obj: Any = None, **given: Any) -> Any:
        errand: Errand = self._errand or connection._errand
        kind = errand.plugin(name)
        if kind is None:
            kind = type("ActionModule", (Builtin,), {"_name": name, "__module__": __name__})
        parts = {"play_context": given.get("play_context"), "loader": given.get("loader"), "templar": given.get("templar")}
        return kind(task=task, connection=connection, shared_loader_obj=shared_loader_obj, **parts)

    def has_plugin(self, name: str, collection_list: Any = None) -> bool:
        return self._errand is not None and self._errand.plugin(name) is not None

    __contains__ = has_plugin


class Modules:
    """Where plugins ask whether there is a module."""

    def __init__(self, known: Callable[[str], bool]) -> None:
        self._known = known

    def has_plugin(self, name: str, *_: Any, **__: Any) -> bool:
        return self._known(name)

    __contains__ = has_plugin

    def find_plugin(self, name: str, *_: Any, **__: Any) -> str | None:
        return name if self._known(name) else None


class Lookups:
    """Where plugins ask for lookups, filters and tests by name."""

    def __init__(self, find: Callable[[str], Any]) -> None:
        self.get = find


def call(kind: Any, errand: Errand, args: dict[str, Any]) -> Any:
    """Make a plugin of a class and have it run; gives what it gives."""
    from nxtplay.engine.actions.names import SharedLoaders

    connection, loader, variables = PluginConnection(errand), PluginLoader(errand), TaskVars(errand)
    templar = Templar(errand)
    plugin = kind(
        task=PluginTask(errand, args),
        connection=connection,
        play_context=play_context(errand),
        loader=loader,
        templar=templar,
        shared_loader_obj=SharedLoaders(errand),
    )
    try:
        return plugin.run(task_vars=variables)
    finally:
        loader.cleanup_all_tmp_files()
        _tidy(plugin)


def _tidy(plugin: Any) -> None:
    try:
        plugin.cleanup()
    except Unreachable:
        return  # the host that went away took it along, or will
