from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        result.update(self._execute_module(module_args=dict(self._task.args, more="plugin"), task_vars=task_vars))
        spec = {"text": {"type": "str", "required": True}, "number": {"type": "int", "default": 3}}
        _, args = self.validate_argument_spec(argument_spec=spec)
        return dict(result, args=args)
