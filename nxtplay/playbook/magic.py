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
        "all_ipv4_addresses all_ipv6_addresses apparmor architecture bios_date bios_vendor bios_version board_asset_tag board_name "
        "board_serial board_vendor board_version chassis_asset_tag chassis_serial chassis_vendor chassis_version cmdline date_time "
        "default_ipv4 default_ipv6 device_links devices distribution distribution_file_parsed distribution_file_path "
        "distribution_file_variety distribution_major_version distribution_minor_version distribution_release distribution_version dns "
        "domain effective_group_id effective_user_id env fibre_channel_wwn fips flags form_factor fqdn hostname hostnqn interfaces "
        "is_chroot iscsi_iqn kernel kernel_version lo loadavg local locally_reachable_ips lsb lvm machine machine_id memfree_mb "
        "memory_mb memtotal_mb mounts nodename os_family pkg_mgr proc_cmdline processor processor_cores processor_count processor_nproc "
        "processor_threads_per_core processor_vcpus product_name product_serial product_uuid product_version python python_version "
        "real_group_id real_user_id selinux selinux_python_present service_mgr ssh_host_key_dsa_public ssh_host_key_dsa_public_keytype "
        "ssh_host_key_ecdsa_public ssh_host_key_ecdsa_public_keytype ssh_host_key_ed25519_public ssh_host_key_ed25519_public_keytype "
        "ssh_host_key_rsa_public ssh_host_key_rsa_public_keytype swapfree_mb swaptotal_mb system system_capabilities "
        "system_capabilities_enforced system_vendor systemd uptime_seconds user_dir user_gecos user_gid user_id user_shell user_uid "
        "userspace_architecture userspace_bits virtualization_role virtualization_tech_guest virtualization_tech_host "
        "virtualization_type"
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
