from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule(argument_spec={"text": {}, "more": {}, "number": {"type": "int"}})
module.exit_json(told=[module.params["text"], module.params["more"]], changed=True)
