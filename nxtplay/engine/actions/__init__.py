"""Action plugins that people bring: a playbook's, a role's, a collection's. They run on the controller in place of a task's module.

find     which plugin a task has
errand   one task of such a plugin: what it may ask for, and what its answer means
base     what plugins are made from, `ActionBase`, and the objects that it hands them
names    what they import of Ansible
guard    what a plugin that says nothing of checks may not do in one
"""
