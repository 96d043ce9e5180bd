"""`nxtplay inventory`: hosts, groups and variables as a run sees them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from nxtplay.cli.run import asked_for, inventory_options

if TYPE_CHECKING:
    from nxtplay.inventory.model import Inventory


@click.command("inventory", context_settings={"help_option_names": ["-h", "--help"]})
@inventory_options
@click.option("--list", "as_list", is_flag=True, help="Every group, host and variable (JSON).")
@click.option("--graph", "as_graph", is_flag=True, help="Groups and hosts as a tree.")
@click.option("--vars", "with_vars", is_flag=True, help="With --graph: variables too.")
@click.option("--host", metavar="HOST", help="The variables of one host (JSON).")
@click.option("-y", "--yaml", "as_yaml", is_flag=True, help="YAML instead of JSON.")
@click.option("--output", metavar="FILE", help="Write the list there.")
@click.option("--export", is_flag=True, help="Variables where they are written: those of groups with the groups.")
@click.option("-v", "--verbose", count=True, hidden=True)
@click.option("--flush-cache", is_flag=True, hidden=True, expose_value=False)  # facts are no part of an inventory here
@click.option("-l", "--limit", default="", metavar="PATTERN", help="Only hosts that match.")
@click.option("--playbook-dir", default=".", metavar="DIR", help="group_vars and host_vars are looked for here too.")
@click.argument("group", required=False)
def command(**given: Any) -> int:
    """Tell the inventory; without an option, as a tree. GROUP is where the tree begins (all)."""
    from nxtplay.cli import compose
    from nxtplay.cli.app import tell
    from nxtplay.errors import NxtplayError
    from nxtplay.report.masking import Masker

    kept = ("as_list", "as_graph", "with_vars", "host", "as_yaml", "playbook_dir", "group", "output", "export")
    own = {name: given.pop(name) for name in kept}
    del given["verbose"]
    masker = Masker()
    ground = compose.lay(asked_for(**given), masker, playbook_dir=own["playbook_dir"])
    inventory = ground.inventory
    for warning in inventory.warnings:
        tell(NxtplayError(warning), masker.text)
    if own["host"]:
        name = compose.known_host(ground, own["host"])
        _print(masker.value(_closed(inventory.variables(name, own=own["export"]))), yaml=own["as_yaml"], file=own["output"])
    elif own["as_list"]:
        names = set(inventory.match(given["limit"])) if given["limit"] else set(inventory.hosts)
        told = (tree if own["as_yaml"] else listed)(inventory, names, export=own["export"])
        _print(masker.value(_closed(told)), yaml=own["as_yaml"], file=own["output"])
    else:
        top = own["group"] or "all"
        if top not in inventory.groups:
            from nxtplay.errors import Diagnostic, UsageError, did_you_mean

            raise UsageError(Diagnostic(f"the inventory has no group '{top}'", hint=did_you_mean(top, inventory.groups)))
        click.echo("\n".join(map(masker.text, graph(inventory, top, variables=own["with_vars"]))))
    return 0


def listed(inventory: Inventory, names: set[str], *, export: bool = False) -> dict[str, Any]:
    """The shape that inventory scripts print: `_meta` with the hosts' variables, and every group that is not empty.

    With `export` a host has its own variables only, and the groups have theirs.
    """
    own = {name: inventory.variables(name, own=export) for name in inventory.hosts if name in names}
    told = {name: values for name, values in own.items() if values}
    out: dict[str, Any] = {"_meta": {"hostvars": told, "profile": "inventory_legacy"}}
    for name, group in inventory.groups.items():
        hosts = [host for host in group.hosts if host in names and name != "all"]  # they are in `ungrouped` as well, or in a group
        values = inventory.group_variables(name) if export else {}
        entry = {key: value for key, value in (("children", list(group.children)), ("hosts", hosts), ("vars", values)) if value}
        if entry or name == "all":
            out[name] = entry
    return out


def tree(inventory: Inventory, names: set[str], *, export: bool = False) -> dict[str, Any]:
    """The shape of an inventory in YAML: groups in groups, the variables of a host where it stands first."""
    told: set[str] = set()

    def below(name: str) -> dict[str, Any]:
        told.add(f"@{name}")
        group = inventory.groups[name]
        children = {child: {"hosts": {}} if f"@{child}" in told else below(child) for child in group.children}
        hosts: dict[str, Any] = {}
        for host in group.hosts if name != "all" else ():
            if host in names:
                hosts[host] = {} if host in told else inventory.variables(host, own=export)
                told.add(host)
        filled = {child: {key: part for key, part in entry.items() if part} for child, entry in children.items() if entry}
        values = inventory.group_variables(name) if export else {}
        return {key: value for key, value in (("children", filled), ("hosts", hosts), ("vars", values)) if value}

    return {"all": below("all")}


def graph(inventory: Inventory, top: str, *, variables: bool = False, depth: int = 0) -> Iterator[str]:
    """The tree below a group; with `variables`, those of each host and of each group under it."""
    from nxtplay.report.text import clean

    def told(values: dict[str, Any], depth: int) -> Iterator[str]:
        return (f"{_bars(depth)}{{{name} = {clean(str(value))}}}" for name, value in sorted(values.items()))

    yield f"{_bars(depth)}@{top}:"
    group = inventory.groups[top]
    for child in group.children:
        yield from graph(inventory, child, variables=variables, depth=depth + 1)
    for host in group.hosts if top != "all" else ():  # they are below a child of it as well
        yield f"{_bars(depth + 1)}{host}"
        if variables:
            yield from told(inventory.variables(host), depth + 2)
    if variables:
        yield from told(inventory.group_variables(top), depth + 1)


def _closed(value: Any) -> Any:
    """The value with vault text, and text that is no template, under the keys by which inventories in JSON mark them."""
    from nxtplay.template.values import UNSAFE_KEY, VAULT_KEY, Encrypted, Unsafe

    if isinstance(value, (Encrypted, Unsafe)):
        return {VAULT_KEY if isinstance(value, Encrypted) else UNSAFE_KEY: str.__str__(value)}
    if isinstance(value, Mapping):
        return {key: _closed(one) for key, one in value.items()}
    return [_closed(one) for one in value] if isinstance(value, list) else value


def _bars(depth: int) -> str:
    return "  " + "|  " * (depth - 1) + "|--" if depth else ""


def _print(value: Any, *, yaml: bool, file: str | None = None) -> None:
    import json

    from nxtplay.events import plain

    if yaml:
        import yaml as yaml_

        from nxtplay.template.values import UNSAFE_KEY, VAULT_KEY

        class Dumper(yaml_.SafeDumper):
            """Vault text and text that is no template stand behind their tags."""

        def mapping(dumper: yaml_.SafeDumper, value: dict[str, Any]) -> yaml_.Node:
            for key, tag, style in ((VAULT_KEY, "!vault", "|"), (UNSAFE_KEY, "!unsafe", None)):
                if list(value) == [key]:
                    return dumper.represent_scalar(tag, value[key], style=style)
            return dumper.represent_dict(value)

        Dumper.add_representer(dict, mapping)
        text = yaml_.dump(plain(value), Dumper=Dumper, sort_keys=True, allow_unicode=True, default_flow_style=False)
    else:
        told = json.loads(json.dumps(plain(value)))  # keys that are numbers become text, so that they can be sorted
        text = json.dumps(told, indent=4, sort_keys=True, ensure_ascii=False) + "\n"
    with click.open_file(file or "-", "w", encoding="utf-8") as stream:
        stream.write(text)
