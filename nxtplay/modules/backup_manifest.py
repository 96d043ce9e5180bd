"""backup_manifest: what a backup holds, written down when all of it has been verified."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import statistics
from typing import Any, Optional

from nxtplay.core.files import Content, FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Args, Resource, arg
from nxtplay.core.state import Plan, Unknown, UnknownReached, find_unknown
from nxtplay.core.types import Path, Raw
from nxtplay.modules import _backup, _files


class Artefact(Args):
    """One file of a backup."""

    path: Path = arg(help="The file, in the manifest's folder.")
    kind: str = arg(help="What it is: postgresql, globals, redis, secrets ...")
    sha256: Raw | None = arg(None, help="The hash it had when it was written; one that differs now fails the task.")
    facts: dict[str, Raw] = arg(default_factory=dict, help="What else to write down of it.")


class BackupManifest(Resource[FileState]):
    """Hash the files of a backup once more, from the disk, compare with the hashes they were written with, and write the manifest. It is
    written last, so a backup that has one is whole."""

    path: Path = arg(help="The manifest: NAME_STAMP.manifest.json, beside the files.", key=True)
    artefacts: list[Artefact] = arg(help="The files.")
    facts: dict[str, Raw] = arg(default_factory=dict, help="What else to write down of the backup.")
    shrink: float = arg(0.5, help="Fail when a file is smaller than this part of the median of the last seven backups; 0 is no limit.")
    _hashes: dict[str, Any] = dataclasses.field(default_factory=dict, repr=False)

    def key(self) -> str:
        return _files.file_key(self.path)

    def observe(self, host: Reader) -> Optional[FileState]:
        return host.stat(_files.host_path(self.path), content=True)

    def desired(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        path = _files.host_path(self.path)
        base = before if before is not None else dataclasses.replace(_files.fresh(host, path, "file"), mode=0o600)
        try:
            document = self._document(host, os.path.dirname(path))
        except UnknownReached as reached:
            return dataclasses.replace(base, content=reached.unknown)
        if before is not None and before.content is not None and self._same(host, path, document):
            return before
        text = json.dumps({**document, "created": _now()}, indent=1, ensure_ascii=False) + "\n"
        return dataclasses.replace(base, content=Content.of(text.encode("utf-8", "surrogateescape")), inode=None)

    def apply(self, host: Host, plan: Plan[FileState]) -> None:
        assert plan.after is not None and isinstance(plan.after.content, Content) and plan.after.content.data is not None
        host.write(_files.host_path(self.path), plan.after.content.data, mode=0o600 if plan.before is None else None)

    def result(self, before: Optional[FileState], after: Optional[FileState]) -> dict[str, Any]:
        if after is None or not isinstance(after.content, Content):
            return {"path": str(self.path), "manifest": Unknown("the backup was not made")}
        return {"path": str(self.path), "manifest": json.loads(after.content.data or b"{}")}

    # -- on the way

    def _document(self, host: Reader, folder: str) -> dict[str, Any]:
        entries = [self._entry(host, folder, artefact) for artefact in self.artefacts]
        unknown = find_unknown([entries, self.facts])
        if unknown is not None:
            raise UnknownReached(unknown)
        self._refuse_shrunk(host, folder, entries)
        return {"version": 1, **self.facts, "artefacts": entries}

    def _entry(self, host: Reader, folder: str, artefact: Artefact) -> dict[str, Any]:
        path = _files.host_path(artefact.path)
        if os.path.dirname(path) != folder:
            raise Failed(f"artefacts: {path} is not in the manifest's folder {folder}")
        state = host.stat(path)
        if state is None:
            raise Failed(f"the backup is not whole: {path} is missing")
        if isinstance(state.content, Unknown):
            raise UnknownReached(state.content)
        if path not in self._hashes:
            self._hashes[path] = _backup.hash_file(path)
        sha256, size = self._hashes[path]
        if size == 0:
            raise Failed(f"the backup is not whole: {path} is empty")
        if artefact.sha256 is not None and not isinstance(artefact.sha256, Unknown) and artefact.sha256 != sha256:
            raise Failed(f"{path} is damaged: on the disk its sha256 is {sha256[:12]}…, {str(artefact.sha256)[:12]}… when it was written")
        return {"name": os.path.basename(path), "kind": artefact.kind, "size": size, "sha256": sha256, **artefact.facts}

    def _refuse_shrunk(self, host: Reader, folder: str, entries: list[dict[str, Any]]) -> None:
        """A backup that is suddenly half of what it was is more often broken than right."""
        if not self.shrink:
            return
        name = os.path.basename(self.path)
        match = _backup.NAME.match(name)
        labels = [match["label"]] if match else []
        earlier = [one for one in _backup.sets_in(host, folder, labels) if one.manifest and name not in one.files][-7:]
        for entry in entries:
            sizes = [e["size"] for one in earlier for e in (one.manifest or {})["artefacts"] if e["kind"] == entry["kind"]]
            if len(sizes) >= 3 and entry["kind"] != "redis" and entry["size"] < self.shrink * statistics.median(sizes):
                usual = int(statistics.median(sizes))
                raise Failed(
                    f"{entry['name']} has {entry['size']} bytes, the last {len(sizes)} backups had {usual} (median): "
                    "is something missing? If it is right, run once with -e backup_shrink=0"
                )

    def _same(self, host: Reader, path: str, document: dict[str, Any]) -> bool:
        try:
            found = json.loads(host.read(path))
        except ValueError:
            return False
        found.pop("created", None)
        return bool(found == json.loads(json.dumps(document)))


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
