from ansible.module_utils.basic import AnsibleModule

AnsibleModule(argument_spec={"data": {"type": "str"}}).exit_json(ping="of the role")
