#!/bin/sh
# A module in the library/ of a playbook that another one imports.
echo '{"changed": false, "msg": "from beside"}'
