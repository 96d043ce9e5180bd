#!/usr/bin/python
"""A module as people write them for Ansible."""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.politeness import GREETING


def main():
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True, "aliases": ["who"]},
            "times": {"type": "int", "default": 1},
            "tone": {"choices": ["soft", "loud"], "default": "soft"},
            "tags_of_it": {"type": "list", "elements": "str"},
            "nested": {"type": "dict", "options": {"level": {"type": "int", "required": True}}},
            "dest": {"type": "path"},
            "word": {"type": "str", "no_log": True},
            "words": {"type": "str", "no_log": True},
            "fail": {"type": "bool", "default": False},
        },
        mutually_exclusive=[("dest", "nested")],
        supports_check_mode=True,
    )
    given = module.params
    if given["fail"]:
        module.fail_json(msg="as asked", reason="fail", changed=True)
    rc, out, _err = module.run_command(["echo", GREETING, given["name"]], check_rc=True)
    changed = False
    if given["dest"] and not os.path.exists(given["dest"]):
        temporary = os.path.join(module.tmpdir, "new")
        with open(temporary, "w") as stream:
            stream.write(out)
        module.atomic_move(temporary, given["dest"])
        changed = True
    facts = {"greeted": given["name"], "ansible_greeting": GREETING}
    module.exit_json(changed=changed, rc=rc, said=out.strip(), given=given, ansible_facts=facts)


if __name__ == "__main__":
    main()
