"""acl: who else may read, write and enter a file."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from typing import Any, Iterator, Literal, Mapping, Optional, Sequence

from nxtplay.core.files import FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan
from nxtplay.core.types import Path
from nxtplay.modules import _acls, _files

KINDS = {"u": "user", "g": "group", "m": "mask", "o": "other"}


@dataclass(frozen=True)
class _Lists:
    """The access control lists that are looked at, by path; a directory's default list by `default:` and its path."""

    lists: dict[str, Mapping[str, str]] = field(default_factory=dict)


class Acl(Resource[_Lists]):
    """Give a user or a group an entry in a file's access control list, or take it away; or only look at the list."""

    path: Path = arg(help="The file or directory.", aliases=["name"])
    state: Literal["absent", "present", "query"] = arg("query", help="Whether the entry is there; query only looks.")
    entity: str = arg("", help="The user or group; the file's own when empty.")
    etype: Literal["group", "mask", "other", "user"] | None = arg(None, help="What the entry is for.")
    permissions: str | None = arg(None, help="Of r, w, x and X (x for directories and what somebody may run already).")
    entry: str | None = arg(None, help="Instead of these three: [default:]etype:entity:permissions.")
    default: bool = arg(False, help="The list that is given to what is made in the directory.")
    recursive: bool = arg(False, help="Everything below the directory too; links are left alone.", aliases=["recurse"])
    follow: bool = arg(True, help="Where the path is a link, take what it leads to.")
    recalculate_mask: Literal["default", "mask", "no_mask"] = arg("default", help="Whether the mask is made anew: always, never.")
    use_nfsv4_acls: bool = arg(False, help="Lists of NFSv4, which this cannot do.")

    def key(self) -> str:
        return f"acls:{_files.host_path(self.path)}{'/' if self.recursive else ''}"

    def observe(self, host: Reader) -> Optional[_Lists]:
        if self.use_nfsv4_acls:
            raise Failed("use_nfsv4_acls: lists of NFSv4 are not supported")
        top = _files.host_path(self.path)
        if self.follow:
            top = host.resolve(top)
        lists: dict[str, Mapping[str, str]] = {}
        for path, state in self._files(host, top):
            if state.kind == "directory":
                lists[f"default:{path}"] = self._foreseen(host, path, _acls.DEFAULT)
            lists[path] = self._access(host, path, state)
        return _Lists(lists)

    def desired(self, host: Reader, before: Optional[_Lists]) -> Optional[_Lists]:
        assert before is not None
        default, kind, entity, permissions = self._entry()
        if self.state == "query":
            if self.recursive or self.recalculate_mask != "default":
                raise Failed("recursive and recalculate_mask are for states present and absent; query only looks")
            return before
        if not kind:
            raise Failed("etype (or entry) is required: whose entry is it?")
        if self.state == "present" and not permissions:
            raise Failed("permissions are required with state: present")
        top = next(path for path in before.lists if not path.startswith("default:"))
        if default and f"default:{top}" not in before.lists:
            raise Failed(f"default: {top} is no directory")
        name = _acls.called(host, kind, entity)
        after = dict(before.lists)
        for place, acl in before.lists.items():
            if place.startswith("default:") == default:
                access = before.lists[place[len("default:") :] if default else place]
                is_directory = default or f"default:{place}" in before.lists
                after[place] = self._changed(acl, access, name, permissions, is_directory)
        return _Lists(after)

    def apply(self, host: Host, plan: Plan[_Lists]) -> None:
        for place, acl in self._to_change(plan):
            default = place.startswith("default:")
            path = place[len("default:") :] if default else place
            _acls.write(host, path, _acls.DEFAULT if default else _acls.ACCESS, {} if not default and len(acl) == 3 else acl)
            if not default and len(acl) == 3:
                state = host.stat(path)
                assert isinstance(state, FileState) and isinstance(state.mode, int)
                os.chmod(path, _acls.mode_of(acl, state.mode))

    def also_foresee(self, host: Reader, plan: Plan[_Lists]) -> Sequence[tuple[str, Any]]:
        out: list[tuple[str, Any]] = []
        for place, acl in self._to_change(plan):
            out.append((f"acl:{place}", acl))
            state = None if place.startswith("default:") else host.stat(place)
            if isinstance(state, FileState) and isinstance(state.mode, int):
                out.append((f"file:{place}", dataclasses.replace(state, mode=_acls.mode_of(acl, state.mode))))
        return out

    def result(self, before: Optional[_Lists], after: Optional[_Lists]) -> dict[str, Any]:
        lists = after.lists if after is not None else {}
        top = next((path for path in lists if not path.startswith("default:")), "")
        access, default = ([_line(*one) for one in lists.get(place, {}).items()] for place in (top, f"default:{top}"))
        return {"acl": default if self._entry()[0] else [*access, *(f"default:{line}" for line in default)]}

    # -- what is there

    def _files(self, host: Reader, top: str) -> Iterator[tuple[str, FileState]]:
        state = host.stat(top, follow=True)
        if not isinstance(state, FileState):
            raise Failed(f"path: no {top} on this host")
        yield top, state
        if self.recursive and state.kind == "directory":
            for name in host.listdir(top):
                below = host.stat(os.path.join(top, name))
                if isinstance(below, FileState) and below.kind != "link":
                    yield from self._files(host, os.path.join(top, name))

    def _foreseen(self, host: Reader, path: str, attribute: str) -> Mapping[str, str]:
        key = f"acl:default:{path}" if attribute == _acls.DEFAULT else f"acl:{path}"
        if host.has_foreseen(key):
            return host.foreseen(key)  # type: ignore[no-any-return]
        return _acls.read(path, attribute) if os.path.exists(path) else {}

    def _access(self, host: Reader, path: str, state: FileState) -> Mapping[str, str]:
        """The list as it is with the file's mode, which an earlier task may have changed."""
        mode = state.mode if isinstance(state.mode, int) else 0o644
        base, held = _acls.of_mode(mode), self._foreseen(host, path, _acls.ACCESS)
        if "mask:" in held:
            base = {**base, "group:": held["group:"], "mask:": base["group:"]}
        return _acls.ordered({**held, **base})

    # -- what is meant

    def _entry(self) -> tuple[bool, str, str, str]:
        """(whether it is of the default list, kind, entity, permissions)"""
        if not self.entry:
            return self.default, self.etype or "", self.entity, self.permissions or ""
        if self.etype or self.entity or self.permissions:
            raise Failed("entry takes the place of etype, entity and permissions; give one or the other")
        words = self.entry.split(":")
        default = words[0] in ("d", "default")
        words = [*(words[1:] if default else words), "", "", ""]
        kind = KINDS.get(words[0][:1])
        if kind is None:
            raise Failed(f"entry: '{self.entry}' is none; user:joe:rw was expected")
        return default or self.default, kind, words[1], words[2]

    def _changed(
        self, acl: Mapping[str, str], access: Mapping[str, str], name: str, permissions: str, is_directory: bool
    ) -> Mapping[str, str]:
        new = dict(acl)
        if self.state == "absent":
            if name not in new or name in ("user:", "group:", "other:"):
                return acl
            del new[name]
        else:
            if not new:  # a default list begins with what the directory itself has
                new = {key: access[key] for key in ("user:", "group:", "other:")}
            may_run = is_directory or any("x" in held for held in access.values())
            new[name] = _acls.text(_acls.bits_of(permissions) | (1 if "X" in permissions and may_run else 0))
        given = name == "mask:" and self.state == "present"
        keeps = self.recalculate_mask == "no_mask" or (self.recalculate_mask == "default" and given)
        if not keeps if "mask:" in new else _acls.needs_mask(new):
            new = _acls.masked(new)
        return _acls.ordered(new)

    def _to_change(self, plan: Plan[_Lists]) -> list[tuple[str, Mapping[str, str]]]:
        assert plan.before is not None and plan.after is not None
        return [(place, acl) for place, acl in plan.after.lists.items() if acl != plan.before.lists[place]]


def _line(entry: str, permissions: str) -> str:
    return f"{entry}:{permissions}"
