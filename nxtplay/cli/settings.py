"""What a configuration file and the environment may say, in one table: `nxtplay.cfg`, `ansible.cfg`, `NXTPLAY_*`, `ANSIBLE_*`.

What is not in the table either makes no difference to what a run does (`HARMLESS`) or is something nxtplay does not have (`ABSENT`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """`kind` says how its text is read, see `config`; `keys` are `section.key` of a file, `environ` the variables without `ANSIBLE_`."""

    name: str
    kind: str
    keys: tuple[str, ...]
    environ: tuple[str, ...]
    what: str


def _table(text: str) -> dict[str, Setting]:
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, kind, keys, environ, what = (part.strip() for part in line.split("|"))
        places = tuple(key if "." in key else f"defaults.{key}" for key in (keys or name).split())
        found[name] = Setting(name, kind, places, tuple((environ or name).upper().split()), what)
    return found


# name | kind | keys, where it is not defaults.NAME | variables, where it is not ANSIBLE_NAME | what it says
SETTINGS = _table("""
inventory | sources | | | where hosts are listed
roles_path | paths | | | further folders of roles
playbook_dir | path | | | where commands without a playbook look for files, group_vars and host_vars
collections_path | paths | collections_path collections_paths | COLLECTIONS_PATH COLLECTIONS_PATHS | folders of installed collections
library | paths | | | further modules
action_plugins | paths | | | further action plugins
filter_plugins | paths | | | further filters
test_plugins | paths | | | further tests
lookup_plugins | paths | | | further lookups
remote_user | text | | | connect as this user
remote_port | number | | | connect to this port
transport | text | | | how to reach hosts: ssh, local, docker
timeout | number | timeout ssh_connection.timeout connection.timeout | TIMEOUT SSH_TIMEOUT | seconds to connect
private_key_file | path | | | connect with this key
host_key_checking | text | host_key_checking ssh_connection.host_key_checking | HOST_KEY_CHECKING SSH_HOST_KEY_CHECKING | false: any key
ssh_args | text | ssh_connection.ssh_args | | options of ssh
ssh_common_args | text | ssh_connection.ssh_common_args | | more of them
ssh_extra_args | text | ssh_connection.ssh_extra_args | | and more
ssh_executable | text | ssh_connection.ssh_executable | | an OpenSSH client to use instead of our own
ssh_retries | number | ssh_connection.retries connection.retries | | attempts to connect after the first
ask_pass | flag | | | ask for the connection's password
connection_password_file | path | | | holds the connection's password
become | flag | privilege_escalation.become | | run tasks as another user
become_user | text | privilege_escalation.become_user | | as this user
become_method | text | privilege_escalation.become_method | | by this means
become_exe | text | privilege_escalation.become_exe sudo_become_plugin.executable | BECOME_EXE SUDO_EXE | by this program
become_flags | text | privilege_escalation.become_flags sudo_become_plugin.flags | BECOME_FLAGS SUDO_FLAGS | with these options
become_ask_pass | flag | privilege_escalation.become_ask_pass | | ask for the password to become another user
become_password_file | path | | | holds that password
interpreter_python | text | | PYTHON_INTERPRETER | Python on the hosts
ask_vault_pass | flag | | | ask for the vault's password
vault_password_file | path | | | holds the vault's password
vault_identity_list | words | | | ID@SOURCE, ...: vault passwords
vault_identity | text | | | the label of passwords that have none
vault_id_match | flag | | | a text is opened by passwords of its own label alone
vault_encrypt_identity | text | | | the identity to encrypt by
vault_encrypt_salt | text | | | what is encrypted is the same each time
forks | number | | | hosts worked on at once
task_timeout | number | | | seconds after which a task fails
gathering | implicit explicit smart | | | when facts are gathered
fact_caching | text | | CACHE_PLUGIN | jsonfile: facts are kept between runs
fact_caching_connection | path | | CACHE_PLUGIN_CONNECTION | in this folder
fact_caching_prefix | text | | CACHE_PLUGIN_PREFIX | before each file's name
fact_caching_timeout | number | | CACHE_PLUGIN_TIMEOUT | for so many seconds (86400; 0: for ever)
hash_behaviour | replace merge | | | merge: mappings of several levels are one
strategy | text | | | linear, free, host_pinned
any_errors_fatal | flag | | | a failure ends the play for all
force_handlers | flag | | | handlers run after a failure too
error_on_missing_handler | flag | | | false: a notification that no handler hears is a warning
no_log | flag | | | results are hidden
host_pattern_mismatch | warning error ignore | inventory.host_pattern_mismatch | | of a play whose pattern matches nobody
inventory_any_unparsed_is_failed | flag | inventory.any_unparsed_is_failed | | false: a source that cannot be read is a warning
inventory_unparsed_is_failed | flag | inventory.unparsed_is_failed | INVENTORY_UNPARSED_FAILED | true: but one has to be read
force_valid_group_names | always never ignore silently | | TRANSFORM_INVALID_GROUP_CHARS | always: as names of variables
deprecation_warnings | flag | | | false: what modules say is going away is not told
tags_run | words | tags.run | RUN_TAGS | only tasks with one of these tags
tags_skip | words | tags.skip | SKIP_TAGS | no tasks with one of these tags
diff_always | flag | diff.always | | show differences
verbosity | number | | | as -v
retry_files_enabled | flag | | | hosts that failed are written to PLAYBOOK.retry, for --limit @PLAYBOOK.retry
retry_files_save_path | path | | | in this folder
stdout_callback | text | | | default, minimal, oneline, json, yaml: a run is told in this form of Ansible's
callback_result_format | json yaml | callback_result_format callback_default.result_format | CALLBACK_RESULT_FORMAT | results in that form
callbacks_enabled | words | callbacks_enabled callback_whitelist | CALLBACKS_ENABLED CALLBACK_WHITELIST | timer, profile_tasks, junit, tree
callback_tree_dir | path | callback_tree.directory | CALLBACK_TREE_DIR | the folder of tree
display_skipped_hosts | flag | | | false: the default form leaves out what is skipped
display_ok_hosts | flag | | | false: and what is ok
show_custom_stats | flag | | | what set_stats was given is told at the end
display_failed_stderr | flag | | | the default form tells failures on stderr
log_path | path | | | what is told is appended to this file too
force_color | flag | | | colours, also where no terminal is
nocolor | flag | | | no colours
editor | text | | | for nxtplay vault
""")


@dataclass(frozen=True)
class Absent:
    """A setting that changes what a run does, and that nxtplay does not have. `same` are the values that say what happens here
    anyway; for plugins, a folder where nothing is says nothing either."""

    key: str
    environ: str
    what: str
    same: tuple[str, ...] = ()


_YES, _NO = ("yes", "true", "on", "1", "y", "t"), ("no", "false", "off", "0", "n", "f", "")

ABSENT = (
    Absent("defaults.error_on_undefined_vars", "ERROR_ON_UNDEFINED_VARS", "an undefined variable is an error always", _YES),
    Absent("defaults.private_role_vars", "PRIVATE_ROLE_VARS", "variables of roles under `roles:` are seen by the whole play", _NO),
    Absent("defaults.jinja2_extensions", "JINJA2_EXTENSIONS", "Jinja has no extensions here", ("", "[]")),
    Absent("defaults.allow_unsafe_lookups", "ALLOW_UNSAFE_LOOKUPS", "what lookups bring is never a template", _NO),
    Absent("defaults.precedence", "VARIABLE_PRECEDENCE", "the order of variables is fixed"),
    Absent("defaults.playbook_vars_root", "PLAYBOOK_VARS_ROOT", "group_vars and host_vars lie beside the first playbook", ("top",)),
    Absent("defaults.vars_plugins_enabled", "VARS_ENABLED", "variables come from group_vars and host_vars", ("host_group_vars",)),
    Absent("defaults.facts_modules", "FACTS_MODULES", "facts are gathered by `setup`", ("smart", "setup", "ansible.legacy.setup")),
    Absent("defaults.gather_subset", "GATHER_SUBSET", "say gather_subset in the play", ("all",)),
    Absent("inventory.ignore_extensions", "INVENTORY_IGNORE", "what a folder of inventories passes over is fixed"),
    Absent("inventory.ignore_patterns", "INVENTORY_IGNORE_REGEX", "what a folder of inventories passes over is fixed", ("",)),
    Absent("defaults.callback_plugins", "CALLBACK_PLUGINS", "plugins of this kind are not read", ("plugins",)),
    Absent("defaults.connection_plugins", "CONNECTION_PLUGINS", "plugins of this kind are not read", ("plugins",)),
    Absent("defaults.inventory_plugins", "INVENTORY_PLUGINS", "plugins of this kind are not read", ("plugins",)),
    Absent("defaults.vars_plugins", "VARS_PLUGINS", "plugins of this kind are not read", ("plugins",)),
    Absent("defaults.module_utils", "MODULE_UTILS", "modules import from nxtplay alone", ("plugins",)),
)

# the forms of a run that `stdout_callback` may name, and what `callbacks_enabled` may add
FORMS = {
    "default": "default", "yaml": "yaml", "debug": "yaml", "skippy": "skippy",
    "minimal": "whole", "oneline": "line", "json": "document",
}  # fmt: skip
ADDITIONS = ("timer", "profile_tasks", "junit", "tree")

# how it looks, how fast it is, how Ansible does it: whatever they say, a run does the same
HARMLESS = {
    "defaults": (
        "action_warnings agnostic_become_prompt allow_broken_conditionals allow_embedded_templates allow_world_readable_tmpfiles "
        "ansible_managed any_unparsed_is_failed async_dir bin_ansible_callbacks cache_plugins callback_format_pretty "
        "check_mode_markers cliconf_plugins collections_on_ansible_version_mismatch collections_scan_sys_path "
        "command_warnings conditional_bare_variables connection_facts_modules cow_selection cow_whitelist cowpath cowsay_enabled_stencils "
        "debug devel_warning display_args_to_stdout "
        "display_traceback dont_type_filters duplicate_dict_key enable_task_debugger executable "
        "gather_timeout home httpapi_plugins inject_facts_as_vars internal_poll_interval interpreter_python_distro_map "
        "interpreter_python_fallback invalid_task_attribute_failed inventory_ignore_extensions inventory_ignore_patterns "
        "inventory_unparsed_warning jinja2_native jinja2_native_warning keep_remote_files local_tmp localhost_warning log_filter "
        "log_verbosity max_diff_size merge_multiple_cli_tags module_args module_compression module_ignore_exts module_lang module_name "
        "module_set_locale module_strict_utf8_response netconf_plugins network_group_modules no_target_syslog nocows null_representation "
        "old_plugin_cache_clear pager parameters pattern pipelining plugin_filters_cfg poll_interval "
        "python_module_rlimit_nofile remote_tmp result_format_pretty run_vars_plugins show_per_host_start "
        "show_task_path_on_failure squash_actions "
        "strategy_plugins string_conversion_action syslog_facility system_tmpdirs system_warnings target_log_info "
        "task_debugger_ignore_errors task_includes_static terminal_plugins use_persistent_connections validate_action_group_metadata "
        "verbose_to_stderr win_async_startup_timeout yaml_valid_extensions "
        "become_plugins doc_fragment_plugins use_temp_names handler_includes_static retries libvirt_lxc_noseclabel docsite_root_url"
    ).split(),
    "inventory": "cache cache_connection cache_plugin cache_prefix cache_timeout enable_plugins export "
    "inventory_unparsed_warning unparsed_is_warning use_extra_vars".split(),
    "privilege_escalation": "agnostic_become_prompt become_allow_same_user".split(),
    "ssh_connection": "control_path control_path_dir pipelining private_key_file reconnection_retries remote_port "
    "remote_user scp_executable scp_extra_args scp_if_ssh sftp_batch_mode sftp_executable sftp_extra_args "
    "ssh_transfer_method sshpass_prompt transfer_method usetty use_tty verbosity".split(),
    "connection": "pipelining ssh_agent ssh_agent_executable ssh_agent_key_lifetime".split(),
    "diff": ["context"],
    "tags": [],
}
