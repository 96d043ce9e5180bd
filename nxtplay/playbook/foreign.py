"""Modules that Ansible has and nxtplay does not.

Roles that serve many systems hold tasks for the others behind conditions (`yum: ... when: ansible_os_family == 'RedHat'`). Such a
role runs here where those conditions do not hold, so these names are told apart from slips of the hand.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Collection

from nxtplay.playbook.foreign_names import OF

COMMON = frozenset("chocolatey docker_compose gce helm proxmox proxmox_kvm yum".split())
FAMILIES = (
    "aws_ azure_rm_ cloudflare_ digital_ocean_ docker_ ec2 elasticache elb_ gcp_ github_ gitlab_ grafana_ hcloud_ helm iam_ influxdb_ ios_ "
    "jenkins_ junos_ k8s keycloak_ ldap_ lxd_ mongodb_ mysql_ nxos_ openssl_ os_ podman_ postgresql_ proxmox proxysql_ rabbitmq_ rds redis "
    "route53 s3_ telegram vmware_ win_ x509_ zabbix_"
).split()
LOOKUPS = frozenset(
    "aws_secret aws_ssm bitwarden chef_databag conjur_variable consul_kv credstash cyberarkpassword dig dnstxt dsv etcd etcd3 "
    "hashi_vault hiera k8s keyring lastpass lmdb_kv manifold merge_variables onepassword onepassword_raw passwordstore random_pet "
    "random_string random_words redis revbitspss shelvefile tss vault_kv2_get vault_read".split()
)
# what does the same here
INSTEAD = {
    "apk": "package",
    "dnf": "package",
    "dnf5": "package",
    "docker_compose": "docker_compose_v2",
    "pacman": "package",
    "systemd": "service",
    "systemd_service": "service",
    "sysvinit": "service",
    "yum": "package",
    "zypper": "package",
}
# the docker command's word for what only a Swarm has
DOCKER = {
    "docker_config": "config",
    "docker_context_info": "context ls",
    "docker_node": "node update",
    "docker_node_info": "node inspect",
    "docker_plugin": "plugin",
    "docker_secret": "secret",
    "docker_stack": "stack deploy",
    "docker_stack_info": "stack ls",
    "docker_stack_task_info": "stack ps",
    "docker_swarm": "swarm",
    "docker_swarm_info": "node ls",
    "docker_swarm_service": "service",
    "docker_swarm_service_info": "service inspect",
}
_FULL = re.compile(r"[a-z_]\w*\.[a-z_]\w*\.([a-z_]\w*)\Z")


def instead(name: str, known: Collection[str]) -> str:
    """What to use for a module that is not here."""
    if name in DOCKER:
        other = "docker_compose_v2 for the services of one machine, or " if name in ("docker_stack", "docker_swarm_service") else ""
        return f"use {other}`command: docker {DOCKER[name]}`"
    return f"use {INSTEAD[name]}" if INSTEAD.get(name) in known else "use a module that is here, or command"


def is_foreign(word: str, known: Collection[str], collections: Collection[str]) -> bool:
    """Whether a name means a module of Ansible's world that is not here; a near miss of one that is here does not."""
    full = _FULL.match(word)
    collection, name = (word.rpartition(".")[0], full[1]) if full else ("", word)
    if name in known:
        return False
    if collection in OF:  # ansible.builtin leads to what has moved from there
        return name in _names(collection) or (collection == "ansible.builtin" and is_foreign(name, known, collections))
    if not full and (name in COMMON or any(name in _names(one) for one in OF)):
        return True
    if difflib.get_close_matches(name, known, n=1, cutoff=0.88):
        return False
    if full:  # a collection of which nothing is here; a slip in the name of one that is here has a module's name that is known
        return True
    return any(name.startswith(family) and len(name) > len(family) for family in FAMILIES)


@functools.cache
def _names(collection: str) -> frozenset[str]:
    return frozenset(OF[collection].split())


def is_foreign_lookup(name: str) -> bool:
    """Whether a lookup that is not here means one of Ansible's world."""
    return name.count(".") >= 2 or name in LOOKUPS
