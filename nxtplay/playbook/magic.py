"""Names that are there without anybody defining them."""

from __future__ import annotations

MAGIC = frozenset(
    "ansible_check_mode ansible_collection_name ansible_config_file ansible_delegated_vars ansible_dependent_role_names ansible_diff_mode "
    "ansible_facts ansible_failed_result ansible_failed_task ansible_forks ansible_inventory_sources ansible_limit "
    "ansible_parent_role_names ansible_parent_role_paths ansible_play_batch ansible_play_hosts ansible_play_hosts_all ansible_play_name "
    "ansible_play_role_names ansible_playbook_python ansible_role_name ansible_role_names ansible_run_tags ansible_search_path "
    "ansible_skip_tags ansible_verbosity ansible_version environment group_names groups hostvars inventory_dir inventory_file "
    "inventory_hostname inventory_hostname_short nxtplay_version omit play_hosts playbook_dir role_name role_names role_path vars".split()
)

# variables that say how a host is reached, and the common facts: what a name that starts with `ansible_` may be a slip of
CONNECTION = frozenset(
    "ansible_become ansible_become_exe ansible_become_flags ansible_become_method ansible_become_password ansible_become_user "
    "ansible_connection ansible_host ansible_password ansible_port ansible_python_interpreter ansible_remote_tmp ansible_shell_executable "
    "ansible_shell_type ansible_ssh_common_args ansible_ssh_extra_args ansible_ssh_private_key_file ansible_user".split()
)
FACTS = frozenset(
    "ansible_" + name
    for name in (
        "all_ipv4_addresses all_ipv6_addresses apparmor architecture bios_version cmdline date_time default_ipv4 default_ipv6 devices "
        "distribution distribution_file_path distribution_file_variety distribution_major_version distribution_minor_version "
        "distribution_release distribution_version dns domain effective_user_id env fips form_factor fqdn hostname interfaces is_chroot "
        "kernel kernel_version local lsb machine machine_id memfree_mb memory_mb memtotal_mb mounts nodename os_family pkg_mgr processor "
        "processor_cores processor_count processor_nproc processor_vcpus product_name python python_version real_user_id selinux "
        "service_mgr swapfree_mb swaptotal_mb system system_vendor uptime_seconds user_dir user_gid user_id user_shell user_uid "
        "userspace_bits virtualization_role virtualization_type"
    ).split()
)
KNOWN_ANSIBLE = frozenset(name for name in MAGIC if name.startswith("ansible_")) | CONNECTION | FACTS

# in the text of a template file
IN_TEMPLATES = frozenset(
    "ansible_managed template_destpath template_fullpath template_host template_mtime template_path template_run_date template_uid".split()
)

# what modules leave as variables without `register`
LEFT_BY = {
    "gather_facts": ("gather_subset", "module_setup"),
    "package_facts": ("packages",),
    "service_facts": ("services",),
    "setup": ("gather_subset", "module_setup"),
}
