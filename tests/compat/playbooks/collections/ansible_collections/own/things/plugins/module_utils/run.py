import os

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(argument_spec={"words": {"type": "list", "elements": "int"}, "kept": {"type": "path"}})
    module.fail_on_missing_params(["words"])
    with open(module.params["kept"], "w") as stream:
        stream.write("gone with the answer")
    module.add_cleanup_file(module.params["kept"])
    module.exit_json(words=module.params["words"], there=os.path.exists(module.params["kept"]))
