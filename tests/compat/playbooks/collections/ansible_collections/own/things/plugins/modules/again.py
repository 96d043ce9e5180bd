import sys

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible.module_utils.common.respawn import has_respawned, probe_interpreters_for_module, respawn_module
from ansible.module_utils.common.warnings import warn


def main():
    spec = {"size": {"type": "bytes"}, "given": {"type": "dict"}, "other": {"type": "int"}, "password": {"type": "str", "no_log": True}}
    module = AnsibleModule(argument_spec=spec, mutually_exclusive=[["given", "other"]])
    if not has_respawned():
        respawn_module(probe_interpreters_for_module(["/nowhere/python", sys.executable], "json"))
    warn("told")
    module.exit_json(
        respawned=has_respawned(),
        size=module.params["size"],
        given=module.params["given"],
        hidden=["secrets", "secret"],
        snake=camel_dict_to_snake_dict({"LoadBalancerARNs": 1}),
    )


if __name__ == "__main__":
    main()
