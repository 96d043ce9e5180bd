"""`ansible.module_utils.common.parameters`, as far as modules and plugins use it."""

from __future__ import annotations

from typing import Any

from ..basic import AnsibleFallbackNotFound as AnsibleFallbackNotFound
from ..basic import env_fallback as env_fallback
from ..basic import remove_values as remove_values
from ..basic import sanitize_keys as sanitize_keys
from .validation import TYPES

PASS_VARS = {
    "check_mode": ("check_mode", False),
    "debug": ("_debug", False),
    "diff": ("_diff", False),
    "keep_remote_files": ("_keep_remote_files", False),
    "module_name": ("_name", None),
    "no_log": ("no_log", False),
    "remote_tmp": ("_remote_tmp", None),
    "selinux_special_fs": ("_selinux_special_fs", ["fuse", "nfs", "vboxsf", "ramfs", "9p", "vfat"]),
    "shell_executable": ("_shell", "/bin/sh"),
    "socket": ("_socket_path", None),
    "string_conversion_action": ("_string_conversion_action", "warn"),
    "syslog_facility": ("_syslog_facility", "INFO"),
    "tmpdir": ("_tmpdir", None),
    "verbosity": ("_verbosity", 0),
    "version": ("ansible_version", "0.0"),
}
PASS_BOOLS = ("check_mode", "debug", "diff", "keep_remote_files", "no_log")
DEFAULT_TYPE_VALIDATORS = TYPES


def set_fallbacks(argument_spec: dict[str, Any], parameters: dict[str, Any]) -> set[str]:
    """Take what is missing from where the specification says; gives what must not be shown of it."""
    hidden: set[str] = set()
    for name, one in argument_spec.items():
        take, *options = one.get("fallback") or (None,)
        if name in parameters or take is None:
            continue
        positional = options[0] if options and isinstance(options[0], (list, tuple)) else []
        named = next((option for option in options if isinstance(option, dict)), {})
        try:
            parameters[name] = take(*positional, **named)
        except AnsibleFallbackNotFound:
            continue
        if one.get("no_log") and parameters[name]:
            hidden.add(str(parameters[name]))
    return hidden


def list_no_log_values(argument_spec: dict[str, Any], params: dict[str, Any]) -> set[str]:
    """The values that must not be shown."""
    found: set[str] = set()
    for name, one in argument_spec.items():
        value = params.get(name)
        if one.get("no_log") and value not in (None, "") and not isinstance(value, bool):
            found.update(str(item) for item in (value if isinstance(value, list) else [value]))
        for inner in (value if isinstance(value, list) else [value]) if one.get("options") else ():
            if isinstance(inner, dict):
                found |= list_no_log_values(one["options"], inner)
    return found
