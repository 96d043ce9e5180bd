"""docker_prune: what nothing uses any more."""

from __future__ import annotations

import dataclasses
import re
import time
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown, UnknownReached
from nxtplay.core.types import Size
from nxtplay.modules import _docker
from nxtplay.modules._compose.create import PREFIX


@dataclass(frozen=True)
class UnusedState:
    """What would go: names by kind. `bytes` is what it takes on the disk, as far as known."""

    containers: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    builder_cache: tuple[str, ...] = ()
    bytes: int = field(default=0, metadata={"volatile": True})
    ids: Any = field(default_factory=dict, compare=False, metadata={"volatile": True})  # of containers, by name


class DockerPrune(_docker.DockerOptions, Resource[UnusedState]):
    """Remove what is not used. A check lists all that would go, by name."""

    libraries = ("docker",)
    private = False

    containers: bool = arg(False, help="Containers that do not run.")
    containers_filters: dict[str, Any] = arg(default_factory=dict, help="Only those: `label`, `until` (such as 24h).")
    images: bool = arg(False, help="Images without a name; with the filter `dangling: false` all that no container uses.")
    images_filters: dict[str, Any] = arg(default_factory=dict, help="Only those: `dangling`, `label`, `until`.")
    networks: bool = arg(False, help="Networks without containers.")
    networks_filters: dict[str, Any] = arg(default_factory=dict, help="Only those: `label`, `until`.")
    volumes: bool = arg(False, help="Volumes without a name that no container uses; named ones with the filter `all: true`.")
    volumes_filters: dict[str, Any] = arg(default_factory=dict, help="Only those: `label`, `all` (named ones, too).")
    builder_cache: bool = arg(False, help="Cached build steps.")
    builder_cache_all: bool = arg(False, help="With `builder_cache`: those in use by images, too.")
    builder_cache_filters: dict[str, Any] = arg(default_factory=dict, help="Only those: `until`.")
    builder_cache_keep_storage: Optional[Size] = arg(None, help="How much of the cache is to stay.")

    def observe(self, host: Reader) -> Optional[UnusedState]:
        with _docker.engine(host, self) as api:
            found = self._look(api)
            return found if isinstance(api, _docker.EmptyEngine) else self._sure(host, api, found)

    def _sure(self, host: Reader, api: Any, found: UnusedState) -> UnusedState:
        """Of what is unused now that which will be when the turn of this task comes. UnknownReached where that is nothing, and earlier
        tasks of the check may leave something unused."""
        touched = _touched(host, api)
        images = {key[len("image:") :] for key in host.foreseen_under("image:")}
        others = {kind: {key.partition(":")[2] for key in host.foreseen_under(f"{kind}:")} for kind in ("network", "volume")}
        if not touched and not images and not any(others.values()):
            return found
        joining = any(touched.values())  # a container that would be there may use what nobody uses now
        sure = dataclasses.replace(
            found,
            containers=tuple(n for n in found.containers if n not in touched),
            images=tuple(n for n in found.images if n not in images and not (joining and not n.startswith("sha256:"))),
            networks=tuple(n for n in found.networks if n not in others["network"] and not joining),
            volumes=tuple(n for n in found.volumes if n not in others["volume"]),
        )
        if any(getattr(sure, kind) for kind in _KINDS):
            return sure
        stopping = self.containers and any(state not in ("", "running") for state in touched.values())
        renamed = self.images and any(not self._dangling() or _docker.inspect_image(host, api, name) for name in images)
        coming = any(asked and names for asked, names in (
            (self.builder_cache, images), (self.networks, others["network"]), (self.volumes, others["volume"]),
        ))  # fmt: skip
        most = self._look(api, frozenset(touched))
        if stopping or renamed or coming or any(getattr(most, kind) for kind in _KINDS if kind != "containers"):
            raise UnknownReached(Unknown("what earlier tasks leave unused is seen in the run"))
        return sure

    def _look(self, api: Any, without: frozenset[str] = frozenset()) -> UnusedState:
        """What is unused, were it not for the containers of these names."""
        every = [c for c in api.containers(all=True) if c["Names"][0].lstrip("/") not in without]
        gone = [c for c in every if self.containers and c["State"] in ("exited", "created", "dead") and _fits(c, self.containers_filters)]
        left = [c for c in every if c not in gone]
        size = 0
        images: list[str] = []
        if self.images:
            for image in self._unused_images(api, left):
                images += [t for t in image.get("RepoTags") or () if t != "<none>:<none>"] or [image["Id"]]
                size += int(image.get("Size") or 0)
        networks = []
        if self.networks:
            attached = {n for c in left for n in (c.get("NetworkSettings") or {}).get("Networks") or {}}
            custom = (n for n in api.networks(filters={"type": "custom"}) if n["Name"] not in attached)
            networks = [n["Name"] for n in custom if _fits(n, self.networks_filters)]
        volumes = []
        if self.volumes:
            used = {m.get("Name") for c in left for m in c.get("Mounts") or ()}
            found = api.volumes(filters={"dangling": True} if not gone else {}).get("Volumes") or []
            named = str(self.volumes_filters.get("all", False)).lower() in ("true", "1", "yes")
            free = (v for v in found if v["Name"] not in used and (named or re.match("^[0-9a-f]{64}$", v["Name"])))
            volumes = [v["Name"] for v in free if _fits(v, self.volumes_filters)]
        cache = []
        if self.builder_cache:
            for entry in self._over(api.df().get("BuildCache") or ()):
                if not entry.get("InUse") and not entry.get("Shared") and _fits(entry, self.builder_cache_filters):
                    cache.append(entry["ID"])
                    size += int(entry.get("Size") or 0)
        return UnusedState(
            containers=tuple(sorted(c["Names"][0].lstrip("/") for c in gone)),
            images=tuple(sorted(images)),
            networks=tuple(sorted(networks)),
            volumes=tuple(sorted(volumes)),
            builder_cache=tuple(sorted(cache)),
            bytes=size,
            ids={c["Names"][0].lstrip("/"): c["Id"] for c in gone},
        )

    def _over(self, cache: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The cached steps above what is to stay, those first that were used longest ago."""
        oldest = sorted(cache, key=lambda entry: str(entry.get("LastUsedAt") or entry.get("CreatedAt") or ""))
        if self.builder_cache_keep_storage is None:
            return oldest
        total, out = sum(int(entry.get("Size") or 0) for entry in cache), []
        for entry in oldest:
            if total <= self.builder_cache_keep_storage:
                break
            total -= int(entry.get("Size") or 0)
            out.append(entry)
        return out

    def _dangling(self) -> bool:
        """Whether only images without a name go."""
        return str(self.images_filters.get("dangling", True)).lower() in ("true", "1", "yes")

    def _unused_images(self, api: Any, containers: list[Any]) -> list[dict[str, Any]]:
        used = {c["ImageID"] for c in containers}
        found = api.images(filters={"dangling": True} if self._dangling() else {})
        return [i for i in found if i["Id"] not in used and _fits(i, {k: v for k, v in self.images_filters.items() if k != "dangling"})]

    def desired(self, host: Reader, before: Optional[UnusedState]) -> Optional[UnusedState]:
        return UnusedState()

    def apply(self, host: Host, plan: Plan[UnusedState]) -> None:
        with _docker.engine(host, self, timeout=600) as api:
            found = plan.before or UnusedState()
            host.note(**self._sizes(api, found))
            for _ in range(10):  # what goes may have been all that used another thing
                for name in found.containers:
                    host.progress(f"removing container {name}")
                    api.remove_container(name, v=False)
                for name in found.images:
                    host.progress(f"removing image {name}")
                    _quietly(api.remove_image, name)
                for name in found.networks:
                    api.remove_network(name)
                for name in found.volumes:
                    api.remove_volume(name)
                if found.builder_cache:
                    keep = self.builder_cache_keep_storage
                    api.prune_builds(filters=_as_filters(self.builder_cache_filters), all=self.builder_cache_all, keep_storage=keep)
                found = self._look(api)
                if not any(getattr(found, kind) for kind in _KINDS):
                    return

    def result(self, before: Optional[UnusedState], after: Optional[UnusedState]) -> dict[str, Any]:
        held = before or UnusedState()
        told: dict[str, Any] = {kind: list(getattr(held, kind)) for kind in _KINDS}
        told["containers"] = [held.ids[name] for name in held.containers]
        told["builder_cache_caches_deleted"] = told["builder_cache"]
        nothing = held == UnusedState(bytes=held.bytes)
        sizes = dict.fromkeys(_SIZES, 0 if nothing else Unknown("how much is reclaimed is seen in the run"))
        return {**told, **sizes, "space_reclaimed": held.bytes}

    def _sizes(self, api: Any, found: UnusedState) -> dict[str, int]:
        """What each kind takes on the disk, before it goes."""
        usage = api.df()
        containers = {str(c["Names"][0]).lstrip("/"): int(c.get("SizeRw") or 0) for c in usage.get("Containers") or () if c.get("Names")}
        volumes = {v["Name"]: max(0, int((v.get("UsageData") or {}).get("Size") or 0)) for v in usage.get("Volumes") or ()}
        cache = {c["ID"]: int(c.get("Size") or 0) for c in usage.get("BuildCache") or ()}
        sizes = {
            "containers_space_reclaimed": sum(containers.get(name, 0) for name in found.containers),
            "volumes_space_reclaimed": sum(volumes.get(name, 0) for name in found.volumes),
            "builder_cache_space_reclaimed": sum(cache.get(name, 0) for name in found.builder_cache),
        }
        sizes["images_space_reclaimed"] = found.bytes - sizes["builder_cache_space_reclaimed"]
        return {**sizes, "space_reclaimed": sum(sizes.values())}


def _touched(host: Reader, api: Any) -> dict[str, str]:
    """Containers that earlier tasks of the check speak of, by name: how each would be (running, stopped ...); "" for one that is gone."""
    out: dict[str, str] = {}
    for key in host.foreseen_under("container:"):
        state = host.promised(key)
        out[key[len("container:") :]] = "" if state is None else str(getattr(state, "status", "running"))
    for container in api.containers(all=True) if host.foreseen_under("compose:") else ():
        labels = container.get("Labels") or {}
        key = f"compose:{labels.get(PREFIX + 'project')}:{labels.get(PREFIX + 'service')}"
        if host.has_foreseen(key):
            state = host.promised(key)
            out[container["Names"][0].lstrip("/")] = "" if state is None else str(getattr(state, "status", "running"))
    return out


_SIZES = ("containers_space_reclaimed", "images_space_reclaimed", "volumes_space_reclaimed", "builder_cache_space_reclaimed")
_KINDS = ("containers", "images", "networks", "volumes", "builder_cache")


def _quietly(act: Any, name: str) -> None:
    """An image may have gone with its child."""
    import docker.errors

    try:
        act(name)
    except docker.errors.ImageNotFound:
        pass


def _as_filters(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key in ("until", "id", "type")}


def _fits(item: Mapping[str, Any], filters: Mapping[str, Any]) -> bool:
    """Whether a listed thing passes the filters."""
    labels = item.get("Labels") or {}
    for name, value in filters.items():
        values = value if isinstance(value, list) else [value]
        if name in ("label", "label!"):
            for want in map(str, values):
                key, equals, text = want.partition("=")
                has = key in labels and (not equals or labels[key] == text)
                if has == (name == "label!"):
                    return False
        elif name == "until":
            if _created(item) > time.time() - _seconds(str(value)):
                return False
        elif name in ("all", "id", "type"):
            continue
        else:
            raise Failed(f"unknown filter '{name}'; known are label, label!, until, dangling (images) and all (volumes)")
    return True


def _created(item: Mapping[str, Any]) -> float:
    import datetime

    made = item.get("Created") or item.get("CreatedAt") or item.get("LastUsedAt") or 0
    if isinstance(made, (int, float)):
        return float(made)
    return datetime.datetime.fromisoformat(str(made)[:19]).replace(tzinfo=datetime.timezone.utc).timestamp()


def _seconds(text: str) -> float:
    parts = re.findall(r"(\d+)([smhd])", text)
    if not parts or "".join(a + b for a, b in parts) != text:
        raise Failed(f"until: '{text}' is no duration; such as 24h or 10m")
    return float(sum(int(n) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[u] for n, u in parts))
