#!/usr/bin/python
"""A module that is to go, started in a folder that is gone."""

import os
import tempfile

from ansible.module_utils.basic import AnsibleModule

gone = tempfile.mkdtemp()
os.chdir(gone)
os.rmdir(gone)
module = AnsibleModule(argument_spec={"day": {"type": "str"}, "times": {"type": "list", "elements": "str"}})
module.log("departing")
module.exit_json(stands=os.getcwd() != gone, day=module.params["day"], times=module.params["times"])
