"""synchronize: a tree of the controller kept the same on the host, or the other way about."""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Literal, Mapping, Optional, Sequence, cast

from nxtplay.core.converge import converge
from nxtplay.core.files import FileState, FileTree
from nxtplay.core.frozen import frozen
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, decode
from nxtplay.core.state import Plan, Unknown, diff
from nxtplay.core.types import Duration, Path, Raw
from nxtplay.core.world import World
from nxtplay.modules import _copy, _files, _sync_options, _sync_pull, _sync_tree
from nxtplay.modules._filters import Pattern
from nxtplay.modules._sync import Sync
from nxtplay.modules._sync_options import Options
from nxtplay.modules._sync_tree import Tree

_NO_EFFECT = "of no effect: it goes over the connection that is there"


class Synchronize(Resource[FileState]):
    """Keep a folder on the host as it is on the controller, or with `mode: pull` on the controller as it is on the host; only what
    differs is sent.

    It needs no rsync on either side and goes over the task's own connection, as the user the task becomes.
    """

    src: Raw = arg(help="File or folder on the controller (pull: on the host). A slash at the end means what is in it.")
    dest: Path = arg(help="Folder on the host (pull: on the controller); what is missing above it is made.", key=True)
    mode: Literal["push", "pull"] = arg("push", help="push: to the host; pull: from the host.")
    exclude: list[str] = arg(default_factory=list, help="Patterns, as rsync reads them, of what is not sent, nor deleted on the host.")
    gitignore: bool = arg(False, help="Leave out what the .gitignore files in the tree name.")
    delete: bool = arg(False, help="Remove from the host what is not on the controller; what is left out stays.")
    archive: bool = arg(True, help="recursive, links, perms, times, owner and group, unless they say otherwise.")
    recursive: bool | None = arg(None, help="Take what is below a folder too.")
    links: bool | None = arg(None, help="Copy symbolic links as links; else they are left out.")
    copy_links: bool = arg(False, help="Copy what symbolic links lead to.")
    perms: bool | None = arg(None, help="Permissions as on the controller; else those of existing files stay.")
    times: bool | None = arg(None, help="Times of files as on the controller. Without them, content alone is compared.")
    owner: bool | None = arg(None, help="Owner by name as on the controller, where the task's user is root and the host has that user.")
    group: bool | None = arg(None, help="Group by name as on the controller, likewise.")
    checksum: bool = arg(False, help="Compare content also where size and time are the same.")
    existing_only: bool = arg(False, help="Make nothing new on the host.")
    dirs: bool = arg(False, help="A folder without what is below it.")
    rsync_opts: list[str] = arg(default_factory=list, help="Options of rsync: --exclude, --include, --filter, --chmod, --chown ...")
    compress: bool = arg(True, help=_NO_EFFECT)
    delay_updates: bool = arg(True, help="Of no effect: a file is put in its place when it is whole.")
    partial: bool = arg(False, help="Of no effect: a file that did not arrive whole is sent again.")
    dest_port: int | None = arg(None, help=_NO_EFFECT)
    link_dest: list[str] | None = arg(
        None, help="Folders beside dest (relative to it): a file that is the same there becomes a hard link to it, and is not sent."
    )
    private_key: Path | None = arg(None, help=_NO_EFFECT)
    rsync_path: str | None = arg(None, help="Of no effect: no rsync is needed.")
    rsync_timeout: Duration | None = arg(None, help=_NO_EFFECT)
    set_remote_user: bool = arg(True, help=_NO_EFFECT)
    ssh_connection_multiplexing: bool = arg(False, help=_NO_EFFECT)
    use_ssh_args: bool = arg(False, help=_NO_EFFECT)
    verify_host: bool = arg(False, help="Of no effect: hosts are verified as the connection says.")
    held: Raw | None = arg(None, help="What the controller has of a tree that is pulled; it is found out there.")

    @classmethod
    def prepare(cls, args: dict[str, Any], controller: Any) -> dict[str, Any]:
        given = decode(cls, args)
        if not isinstance(given.src, str) or any(isinstance(value, Unknown) for value in args.values()):
            return args
        if given.mode == "pull":
            held = _sync_pull.held(given.src, controller.kept(given.dest), given.options()) if controller.permit else None
            return {**args, "held": held}  # in a check hashes are told, and nothing sent
        return {**args, "src": _sync_tree.take(controller, given.src, given.options())}

    @classmethod
    def receive(cls, args: Mapping[str, Any], result: dict[str, Any], controller: Any) -> dict[str, Any]:
        """Of what was pulled: the same as on a host, with the tree that the host told, here."""
        tree, data = result.pop("tree", None), result.pop("handed_over", None)
        if tree is None:
            return result
        tree = dataclasses.replace(_sync_pull.take_over(tree, data), readable=controller.permit)
        here = {**args, "mode": "push", "src": tree, "dest": controller.kept(args["dest"])}
        host = Host(World())
        done = converge(decode(cls, here), host, World(), host if controller.permit else None)
        if done.status == "failed":
            raise Failed(done.reason)
        return {**result, **done.result, "changed": done.status == "changed"}

    def options(self) -> Options:
        def either(own: Optional[bool]) -> bool:
            return self.archive if own is None else own

        base = Options(
            recursive=either(self.recursive) and not self.dirs,
            links=either(self.links),
            copy_links=self.copy_links,
            perms=either(self.perms),
            times=either(self.times),
            owner=either(self.owner),
            group=either(self.group),
            checksum=self.checksum,
            existing_only=self.existing_only,
            delete=self.delete,
            gitignore=self.gitignore,
            rules=tuple(Pattern(text) for text in self.exclude),
            link_dest=tuple(self.link_dest or ()),
        )
        return _sync_options.read(self.rsync_opts, base)

    def _sync(self, host: Reader) -> Sync:
        tree = self.src
        if isinstance(tree, Unknown):
            tree._decide()
        if not isinstance(tree, Tree):
            raise Failed("src: a path on the controller is needed")
        path = folder = _files.host_path(self.dest)
        if tree.name and (tree.root.is_folder or self.dest.endswith("/") or host.is_dir(path)):
            path = os.path.join(path, tree.name)
        elif not tree.root.is_folder:
            folder = os.path.dirname(folder)
        options = self.options()
        others = [os.path.join(folder, os.path.expanduser(one), os.path.relpath(path, folder)) for one in options.link_dest]
        return Sync(host, tree, host.resolve(path) if tree.root.is_folder else path, options, tuple(map(os.path.normpath, others)))

    def key(self) -> str:
        return _files.file_key(self.dest) if self.mode == "push" else f"pulled:{self.dest}"

    def key_on(self, host: Reader) -> str:
        return "file:" + self._sync(host).root

    def observe(self, host: Reader) -> Optional[FileState]:
        if self.mode == "pull":  # nothing of the host's is to be changed
            held = cast("_sync_pull.Held | None", self.held)
            return _Told(kind="directory", tree=_sync_pull.hand_over(host, str(self.src), held, self.options()))
        return self._sync(host).observe()

    def desired(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        return before if isinstance(before, _Told) else self._sync(host).desired(before)

    def apply(self, host: Host, plan: Plan[FileState]) -> None:
        self._sync(host).apply(host, plan)

    def also_foresee(self, host: Reader, plan: Plan[FileState]) -> Sequence[tuple[str, Any]]:
        made = self._sync(host).made_parents() if plan.before is None and plan.after is not None else {}
        return _copy.with_parents(plan, made)

    def result(self, before: Optional[FileState], after: Optional[FileState]) -> dict[str, Any]:
        if isinstance(before, _Told):
            return {"tree": before.tree}
        held, found = (_others(before), _others(after))
        sent = [path for path, state in found.items() if state is not None and (held.get(path) is None or diff(held[path], state))]
        gone = [path for path, state in held.items() if state is not None and found.get(path) is None]
        return {"rc": 0, "dest": after.path if after else str(self.dest), "sent": sent, "deleted": gone}


@frozen
class _Told(FileState):
    """What the host holds of a tree that is pulled."""

    tree: Optional[Tree] = None


def _others(state: Optional[FileState]) -> dict[str, Optional[FileState]]:
    if state is None:
        return {}
    return {state.path or "": state} if not isinstance(state, FileTree) else (state.others or {})
