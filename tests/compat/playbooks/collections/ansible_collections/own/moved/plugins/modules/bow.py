from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(argument_spec={"deep": {"type": "int", "default": 1}})
    module.exit_json(changed=True, deep=module.params["deep"])


if __name__ == "__main__":
    main()
