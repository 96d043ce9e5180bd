"""What `lookup('config', NAME)` tells: the settings of a run by the names that Ansible has for them, and options of its plugins."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from nxtplay.cli.configuration import Config

# name | setting, where it is one of ours | what it is when nobody says it
_CONSTANTS = """
ANSIBLE_FORCE_COLOR | force_color | false
ANSIBLE_HOME | | "~/.ansible"
ANSIBLE_NOCOLOR | nocolor | false
ANY_ERRORS_FATAL | any_errors_fatal | false
BECOME_PASSWORD_FILE | become_password_file | null
CACHE_PLUGIN | fact_caching | "memory"
CACHE_PLUGIN_CONNECTION | fact_caching_connection | null
CACHE_PLUGIN_PREFIX | fact_caching_prefix | "ansible_facts"
CACHE_PLUGIN_TIMEOUT | fact_caching_timeout | 86400
COLLECTIONS_PATHS | collections_path | ["~/.ansible/collections", "/usr/share/ansible/collections"]
CONNECTION_PASSWORD_FILE | connection_password_file | null
DEFAULT_ASK_PASS | ask_pass | false
DEFAULT_ASK_VAULT_PASS | ask_vault_pass | false
DEFAULT_BECOME | become | false
DEFAULT_BECOME_ASK_PASS | become_ask_pass | false
DEFAULT_BECOME_EXE | become_exe | null
DEFAULT_BECOME_FLAGS | become_flags | ""
DEFAULT_BECOME_METHOD | become_method | "sudo"
DEFAULT_BECOME_USER | become_user | "root"
DEFAULT_FILTER_PLUGIN_PATH | filter_plugins | ["~/.ansible/plugins/filter", "/usr/share/ansible/plugins/filter"]
DEFAULT_FORCE_HANDLERS | force_handlers | false
DEFAULT_FORKS | forks | 5
DEFAULT_GATHERING | gathering | "implicit"
DEFAULT_HASH_BEHAVIOUR | hash_behaviour | "replace"
DEFAULT_HOST_LIST | inventory | ["/etc/ansible/hosts"]
DEFAULT_JINJA2_NATIVE | | true
DEFAULT_LOG_PATH | log_path | null
DEFAULT_LOOKUP_PLUGIN_PATH | lookup_plugins | ["~/.ansible/plugins/lookup", "/usr/share/ansible/plugins/lookup"]
DEFAULT_MANAGED_STR | | "Ansible managed"
DEFAULT_MODULE_PATH | library | ["~/.ansible/plugins/modules", "/usr/share/ansible/plugins/modules"]
DEFAULT_NO_LOG | no_log | false
DEFAULT_PRIVATE_KEY_FILE | private_key_file | null
DEFAULT_REMOTE_PORT | remote_port | null
DEFAULT_REMOTE_USER | remote_user | null
DEFAULT_ROLES_PATH | roles_path | ["~/.ansible/roles", "/usr/share/ansible/roles", "/etc/ansible/roles"]
DEFAULT_STRATEGY | strategy | "linear"
DEFAULT_TEST_PLUGIN_PATH | test_plugins | ["~/.ansible/plugins/test", "/usr/share/ansible/plugins/test"]
DEFAULT_TIMEOUT | timeout | 10
DEFAULT_TRANSPORT | transport | "ssh"
DEFAULT_VAULT_ENCRYPT_IDENTITY | vault_encrypt_identity | null
DEFAULT_VAULT_IDENTITY_LIST | vault_identity_list | []
DEFAULT_VAULT_PASSWORD_FILE | vault_password_file | null
DEFAULT_VERBOSITY | verbosity | 0
DIFF_ALWAYS | diff_always | false
EDITOR | editor | "vi"
ERROR_ON_MISSING_HANDLER | error_on_missing_handler | true
HOST_KEY_CHECKING | host_key_checking | true
INTERPRETER_PYTHON | interpreter_python | "auto"
PLAYBOOK_DIR | playbook_dir | null
RETRY_FILES_ENABLED | retry_files_enabled | false
RETRY_FILES_SAVE_PATH | retry_files_save_path | null
TAGS_RUN | tags_run | []
TAGS_SKIP | tags_skip | []
TASK_TIMEOUT | task_timeout | 0
connection.ssh.host_key_checking | host_key_checking | true
connection.ssh.pipelining | | false
connection.ssh.port | remote_port | null
connection.ssh.private_key_file | private_key_file | null
connection.ssh.reconnection_retries | ssh_retries | 0
connection.ssh.remote_user | remote_user | null
connection.ssh.ssh_args | ssh_args | "-C -o ControlMaster=auto -o ControlPersist=60s"
connection.ssh.ssh_common_args | ssh_common_args | ""
connection.ssh.ssh_extra_args | ssh_extra_args | ""
connection.ssh.ssh_executable | ssh_executable | "ssh"
connection.ssh.timeout | timeout | 10
become.sudo.become_exe | become_exe | "sudo"
become.sudo.become_flags | become_flags | "-H -S -n"
become.sudo.become_user | become_user | "root"
shell.sh.remote_tmp | | "~/.ansible/tmp"
"""


def constants(config: Config) -> dict[str, tuple[Any, str]]:
    """Every name, also TYPE.PLUGIN.OPTION, with its value and the place that says it."""
    return {name: _told(config, name, setting, default) for name, setting, default in _rows()}


def _rows() -> Iterator[tuple[str, str, str]]:
    for line in _CONSTANTS.strip().splitlines():
        name, setting, default = (part.strip() for part in line.split("|", 2))
        yield name, setting, default


def _told(config: Config, name: str, setting: str, default: str) -> tuple[Any, str]:
    found = config.values.get(setting)
    if found is None:
        value = json.loads(default)
        return value if name == "shell.sh.remote_tmp" else _expanded(value), "default"
    value = list(found.value) if isinstance(found.value, tuple) else found.value
    if isinstance(json.loads(default), bool) and isinstance(value, str):
        value = value.lower() not in ("no", "false", "off", "0", "n", "f")
    where = found.where.file
    return value, f"env: {where[1:]}" if where.startswith("$") else where


def _expanded(value: Any) -> Any:
    if isinstance(value, list):
        return [_expanded(one) for one in value]
    return os.path.expanduser(value) if isinstance(value, str) else value
