"""What installed collections say in `meta/runtime.yml`: where a name leads to, what is to go, what is gone, groups of modules."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# collections that hold what was Ansible's own until 2.9: its short names still lead there
FORMER = (
    "ansible.posix community.general community.mysql community.docker community.postgresql community.crypto community.rabbitmq "
    "community.mongodb community.grafana community.zabbix community.proxysql community.libvirt community.hashi_vault kubernetes.core "
    "containers.podman ansible.utils ansible.netcommon ansible.windows community.windows amazon.aws community.aws google.cloud "
    "azure.azcollection community.vmware openstack.cloud community.digitalocean hetzner.hcloud community.hrobot cloudscale_ch.cloud "
    "ngine_io.cloudstack ngine_io.vultr ngine_io.exoscale ovirt.ovirt netbox.netbox chocolatey.chocolatey gluster.gluster awx.awx "
    "community.routeros community.network community.google community.azure community.kubevirt community.kubernetes community.okd "
    "openvswitch.openvswitch cisco.ios cisco.nxos cisco.iosxr cisco.asa cisco.aci cisco.mso cisco.meraki cisco.ucs cisco.intersight "
    "cisco.nso arista.eos junipernetworks.junos vyos.vyos frr.frr check_point.mgmt f5networks.f5_modules fortinet.fortios "
    "community.fortios netapp.ontap netapp.elementsw purestorage.flasharray purestorage.flashblade theforeman.foreman "
    "servicenow.servicenow cyberark.conjur cyberark.pas dellemc.openmanage vmware.vmware_rest infinidat.infinibox wti.remote"
).split()
MOST = 10  # steps from name to name


@dataclass(frozen=True)
class Route:
    """Where a full name leads to, with what is to be told on the way; `gone` is why there is nothing of that name any more."""

    name: str
    warnings: tuple[str, ...] = ()
    gone: str = ""


def route(kind: str, name: str, roots: Iterable[str]) -> Route:
    """Follow a full name of a plugin (`kind`: modules, filter, test, lookup) through what its collection says of it."""
    roots = tuple(roots)
    warnings: list[str] = []
    for _ in range(MOST):
        collection, below = _parts(name)
        entry = (_runtime(collection, roots).get("plugin_routing") or {}).get(kind, {}).get(below)
        if not isinstance(entry, Mapping):
            break
        if isinstance(entry.get("tombstone"), Mapping):
            return Route(name, tuple(warnings), _told(f"'{name}' has been removed", entry["tombstone"], "in"))
        if isinstance(entry.get("deprecation"), Mapping):
            warnings.append(_told(f"'{name}' is deprecated", entry["deprecation"], "and will go in"))
        if not isinstance(entry.get("redirect"), str) or entry["redirect"].count(".") < 2:
            break
        name = entry["redirect"]
    return Route(name, tuple(warnings))


def former(kind: str, name: str, roots: Iterable[str]) -> str | None:
    """The full name of an installed plugin that a short one meant while it was Ansible's own; `kind` as in `route`."""
    roots = tuple(roots)
    for collection in FORMER:
        for root in roots:
            home = os.path.join(root, "ansible_collections", *collection.split("."))
            if os.path.isdir(home):
                routed = (_runtime(collection, roots).get("plugin_routing") or {}).get(kind) or {}
                if name in routed or os.path.isfile(os.path.join(home, "plugins", kind, f"{name}.py")):
                    return f"{collection}.{name}"
                break
    return None


def group(name: str, roots: Iterable[str]) -> frozenset[str]:
    """The full names of the modules in a group of `module_defaults` (`namespace.collection.group`), those of the groups it extends too."""
    return _group(name, tuple(roots), frozenset())


def _group(name: str, roots: Sequence[str], seen: frozenset[str]) -> frozenset[str]:
    collection, below = _parts(name)
    found: set[str] = set()
    for one in (_runtime(collection, tuple(roots)).get("action_groups") or {}).get(below) or () if name not in seen else ():
        if isinstance(one, str):
            found.add(one if one.count(".") >= 2 else f"{collection}.{one}")
        elif isinstance(one, Mapping):
            more = (one.get("metadata") or {}).get("extend_group") or ()
            for other in [more] if isinstance(more, str) else more:
                found |= _group(other if other.count(".") >= 2 else f"{collection}.{other}", roots, seen | {name})
    return frozenset(found)


def _parts(name: str) -> tuple[str, str]:
    """The collection and what is named in it."""
    words = name.split(".")
    return ".".join(words[:2]), ".".join(words[2:])


def _told(what: str, entry: Mapping[str, Any], when: str) -> str:
    at = entry.get("removal_version") or entry.get("removal_date")
    text = " ".join(str(entry.get("warning_text") or "").split())
    return what + (f" {when} {at}" if at else "") + (f": {text}" if text else "")


@functools.cache
def _runtime(collection: str, roots: tuple[str, ...]) -> Mapping[str, Any]:
    """What the first of the roots that has the collection says of it; {} for nothing that could be read."""
    from nxtplay.errors import TemplateError
    from nxtplay.template.filters_codec import from_yaml

    for root in roots:
        home = os.path.join(root, "ansible_collections", *collection.split("."))
        if os.path.isdir(home):
            try:
                with open(os.path.join(home, "meta", "runtime.yml"), encoding="utf-8") as stream:
                    found = from_yaml(stream.read())
            except (OSError, UnicodeDecodeError, TemplateError):
                return {}
            return found if isinstance(found, Mapping) else {}
    return {}
