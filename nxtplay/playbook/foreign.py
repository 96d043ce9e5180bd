"""Modules that Ansible has and nxtplay does not.

Roles that serve many systems hold tasks for the others behind conditions (`yum: ... when: ansible_os_family == 'RedHat'`). Such a
role runs here where those conditions do not hold, so these names are told apart from slips of the hand.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection

NAMES = frozenset(
    "acl acme_certificate alternatives apache2_module apk apt_key apt_repository apt_rpm archive assemble at authorized_key blockinfile "
    "bower bundler capabilities chocolatey composer cpanm cron cronvar dconf deb822_repository debconf dnf dnf5 dpkg_selections expect "
    "fetch filesystem firewalld flatpak gem get_url getent git git_config group haproxy homebrew homebrew_cask hostname htpasswd ini_file "
    "interfaces_file ipify_facts iptables java_cert java_keystore kernel_blacklist known_hosts launchd lineinfile locale_gen lvg lvol "
    "lxc_container macports mail make modprobe monit mount mount_facts nmcli npm nsupdate openbsd_pkg opkg openssh_keypair osx_defaults "
    "package package_facts pacman pam_limits pamd parted patch pear pids pip pipx pkgin pkgng pkgutil portage portinstall puppet read_csv "
    "reboot redhat_subscription replace rhsm_release rhsm_repository rocketchat rpm_key seboolean sefcontext selinux selinux_permissive "
    "selogin seport service service_facts slack slackpkg snap sorcery ssh_config subversion sudoers supervisorctl svc swdepot synchronize "
    "sysctl sysrc systemd systemd_service sysvinit tempfile terraform timezone ufw unarchive urpmi user wait_for_connection xattr xbps "
    "xfs_quota xml yarn yum yum_repository zfs zypper zypper_repository".split()
)
FAMILIES = (
    "aws_ azure_rm_ cloudflare_ digital_ocean_ docker_ ec2 elasticache elb_ gcp_ github_ gitlab_ grafana_ hcloud_ helm iam_ influxdb_ ios_ "
    "jenkins_ junos_ k8s keycloak_ ldap_ lxd_ mongodb_ mysql_ nxos_ openssl_ os_ podman_ postgresql_ proxmox proxysql_ rabbitmq_ rds redis "
    "route53 s3_ telegram vmware_ win_ x509_ zabbix_"
).split()
# what does the same here
INSTEAD = {
    "apk": "package",
    "dnf": "package",
    "dnf5": "package",
    "docker_compose": "docker_compose_v2",
    "docker_image": "docker_image_build",
    "pacman": "package",
    "systemd": "service",
    "systemd_service": "service",
    "sysvinit": "service",
    "yum": "package",
    "zypper": "package",
}
_FULL = re.compile(r"[a-z_]\w*\.[a-z_]\w*\.([a-z_]\w*)\Z")


def is_foreign(word: str, known: Collection[str], collections: Collection[str]) -> bool:
    """Whether a name means a module of Ansible's world that is not here; a near miss of one that is here does not."""
    full = _FULL.match(word)
    name = full[1] if full else word
    if name in known or difflib.get_close_matches(name, known, n=1, cutoff=0.88):
        return False
    if full and word.rpartition(".")[0] not in collections:
        return not difflib.get_close_matches(word.rpartition(".")[0], collections, n=1, cutoff=0.75)
    return name in NAMES or any(name.startswith(family) and len(name) > len(family) for family in FAMILIES)
