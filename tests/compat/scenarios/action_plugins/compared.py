"""What a file holds on the host, held against a text; and what else a plugin may ask for."""

from ansible.errors import AnsibleActionFail, AnsibleActionSkip
from ansible.module_utils.common.text.converters import to_text
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    TRANSFERS_FILES = True
    _VALID_ARGS = frozenset(("way", "text", "path"))

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        return getattr(self, "_" + self._task.args.get("way"))(result, task_vars)

    def _fail(self, result, task_vars):
        raise AnsibleActionFail("no", result={"why": [1, 2]})

    def _skip(self, result, task_vars):
        raise AnsibleActionSkip("not today")

    def _break(self, result, task_vars):
        return {}["nothing"]

    def _vars(self, result, task_vars):
        text = self._templar.template(self._task.args["text"])
        result.update(text=text, word=task_vars["word"], host=task_vars["inventory_hostname"], none=task_vars.get("nobody"))
        result.update(of_hosts=task_vars["hostvars"]["a"]["inventory_hostname"], mine=self._task.action, named=self._task.name)
        result["ansible_facts"] = {"compared_fact": to_text(text)}
        return result

    def _command(self, result, task_vars):
        done = self._low_level_execute_command("printf 'one\\ntwo\\n'; printf three >&2; exit 4")
        result.update(code=done["rc"], out=done["stdout"], lines=done["stdout_lines"], said=done["stderr"])
        done = self._low_level_execute_command("cat", in_data=b"from here")
        result["read"] = done["stdout"]
        code, out, _ = self._connection.exec_command("echo hello")
        result["direct"] = [code, to_text(out).strip()]
        return result

    def _program(self, result, task_vars):
        folder = self._connection._shell.tmpdir
        path = self._connection._shell.join_path(folder, "program")
        self._transfer_data(path, "#!/bin/sh\necho given $1\n")
        self._fixup_perms2((folder, path))
        result["printed"] = self._low_level_execute_command(path + " that")["stdout"]
        self._remove_tmp_path(folder)
        result["left"] = self._execute_remote_stat(path, task_vars, follow=True)["exists"]
        return result

    def _module(self, result, task_vars):
        path = self._task.args["path"]
        seen = self._execute_remote_stat("/etc/passwd", task_vars, follow=True, checksum=False)
        told = self._execute_module(module_name="ansible.legacy.slurp", module_args={"src": "/etc/hostname"}, task_vars=task_vars)
        result.update(seen=seen["exists"], encoding=told["encoding"], changed=path == "/")
        return result

    def _other(self, result, task_vars):
        task = self._task.copy()
        task.args = {"cmd": "echo other"}
        given = {"connection": self._connection, "play_context": self._play_context, "loader": self._loader, "templar": self._templar}
        other = self._shared_loader_obj.action_loader.get(
            "ansible.legacy.command", task=task, shared_loader_obj=self._shared_loader_obj, **given
        )
        found = other.run(task_vars=task_vars)
        return dict(result, out=found["stdout"], changed=found["changed"], needle=self._find_needle("files", "given.yml")[-15:])
