"""What is probably wrong in an inventory though it can be read: all of it warnings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from nxtplay.errors import Diagnostic, Span, did_you_mean

_KNOWN = frozenset(
    "ansible_" + word
    for word in (
        "become become_exe become_flags become_method become_pass become_password become_plugin become_user connection group_priority host "
        "password paramiko_host_key_checking paramiko_proxy_command pipelining port private_key_file python_interpreter remote_tmp "
        "shell_executable shell_type ssh_args ssh_common_args ssh_executable ssh_extra_args ssh_host ssh_host_key_checking ssh_pass "
        "ssh_password ssh_pipelining ssh_port ssh_private_key ssh_private_key_file ssh_private_key_passphrase ssh_retries ssh_timeout "
        "ssh_transfer_method ssh_user scp_extra_args sftp_extra_args sudo sudo_exe sudo_pass su su_pass timeout user host_key_checking "
        "docker_extra_args docker_host winrm_transport winrm_server_cert_validation winrm_scheme facts_parallel "
        "network_os async_dir no_target_syslog common_remote_group system_tmpdirs facts facts_modules local "
        "docker_docker_host docker_tls docker_tls_hostname docker_validate_certs docker_ca_path docker_client_cert docker_client_key "
        "docker_api_version docker_timeout docker_use_ssh_client"
    ).split()
)


def check(inventory: Any, directories: Iterable[Any]) -> Iterator[Diagnostic]:
    """Warnings: misspelt ansible_ variables, a group named like a host, names no pattern can mean, files of nobody."""
    for name, host in inventory.hosts.items():
        if host.variables:
            yield from _variables(host.variables, f"host '{name}'", host.span)
        if name in inventory.groups:
            yield _warning(
                f"'{name}' is a host and a group",
                inventory.groups[name].span or host.span,
                "patterns will mean the group; rename one of them",
            )
    for name, group in inventory.groups.items():
        yield from _variables(group.variables, f"group '{name}'", group.span)
        if not re.fullmatch(r"[A-Za-z_][\w.-]*", name):
            yield _warning(f"'{name}' is no good name for a group", group.span, "use letters, digits and underscores")
    yield from _addresses(inventory)
    told = set()  # inventory and playbook may lie in one folder
    for pair in directories:
        for kind, directory, names in (("group", pair.groups, inventory.groups), ("host", pair.hosts, inventory.hosts)):
            for path, hint in directory.unused([*names, "localhost"] if kind == "host" else names):
                if path in told:
                    continue
                told.add(path)
                yield _warning(f"no {kind} of the inventory has this name, so the file is never read", Span(path), hint)


def _variables(variables: Any, owner: str, span: Span | None) -> Iterator[Diagnostic]:
    for name in variables:
        if name.startswith("ansible_") and name not in _KNOWN and not re.fullmatch(r"ansible_\w+_interpreter", name):
            hint = did_you_mean(name, _KNOWN)
            if hint:
                at = getattr(variables, "values_at", {}).get(name) or span
                yield _warning(f"'{name}' of the {owner} is no connection variable", at, hint)


def _is_no_address(connection: Any) -> bool:
    """Whether ansible_host means something else than a machine on the network."""
    return str(connection).rsplit(".", 1)[-1] in ("local", "docker", "docker_api")


def _addresses(inventory: Any) -> Iterator[Diagnostic]:
    seen: dict[tuple[Any, Any], str] = {}
    for name, host in inventory.hosts.items():
        address = host.variables.get("ansible_host")
        if not isinstance(address, str) or "{" in address or _is_no_address(host.variables.get("ansible_connection")):
            continue
        key = (address, host.variables.get("ansible_port", 22))
        if key in seen:
            yield _warning(f"'{name}' and '{seen[key]}' are the same machine, {address}", host.span, "two runs would meet on it at once")
        seen.setdefault(key, name)


def _warning(message: str, span: Span | None, hint: str) -> Diagnostic:
    return Diagnostic(message, span, hint, severity="warning")
