#!/usr/bin/python
"""A module of a collection, with imports of every kind."""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native
from ansible.module_utils.six import iteritems
from ansible.module_utils.six.moves.urllib.parse import quote
from ansible_collections.own.things.plugins.module_utils import plain
from ansible_collections.own.things.plugins.module_utils.inner.deep import deep

try:
    from ansible.module_utils.no_such_thing import nothing
except ImportError:
    nothing = None


def main():
    module = AnsibleModule(argument_spec={"name": {"type": "str", "required": True}, "words": {"type": "dict", "default": {}}})
    words = ", ".join(to_native(f"{key} {value}") for key, value in sorted(iteritems(module.params["words"])))
    said = plain.said(module.params["name"])
    module.exit_json(changed=bool(words), said=said, words=words, deep=deep(), quoted=quote("a b"), nothing=nothing)


if __name__ == "__main__":
    main()
