"""docker_image_export: images as an archive."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Sequence

from nxtplay.core.files import FileState
from nxtplay.core.host import Failed, Host, Reader, current_umask
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown, diff
from nxtplay.core.types import Path
from nxtplay.modules import _docker, _docker_archive, _docker_build, _files
from nxtplay.modules._docker_build import ImageState


@dataclass(frozen=True)
class ArchiveState:
    """Ids by image name (or by id, for images asked for by it)."""

    images: Any
    found: Any = field(default_factory=list, compare=False, metadata={"volatile": True})  # what is to be in it


class DockerImageExport(_docker.DockerOptions, Resource[ArchiveState]):
    """Write images into an archive, as `docker save` does. An archive that holds just these images is left as it is; another one is
    replaced when the new one is whole."""

    libraries = ("docker",)
    private = False

    names: list[str] = arg(help="Names of the images, or their ids.", aliases=["name"])
    path: Path = arg(help="The archive, on the host.", key=True)
    tag: str = arg("latest", help="Tag, where a name has none.")
    force: bool = arg(False, help="Write the archive in any case.")

    def _wanted(self) -> list[str]:
        if not self.names:
            raise Failed("`names` is empty: which images?")
        return [_docker.named(name, self.tag) for name in self.names]

    def _images(self, host: Reader) -> dict[str, ImageState]:
        """What is to be in the archive, by name."""
        with _docker.engine(host, self) as api:
            found = {name: _docker_build.observe(host, api, name) for name in self._wanted()}
        missing = [name for name, image in found.items() if image is None]
        if missing:
            raise Failed(f"no image {', '.join(missing)} on the host; pull, build or load it first")
        return {name: image for name, image in found.items() if image is not None}

    def _held(self, host: Reader) -> Any:
        """What the archive holds; None where there is none."""
        state = host.stat(self.path, follow=True)
        if state is None:
            folder = os.path.dirname(_files.host_path(self.path))
            if not host.is_dir(folder):
                raise Failed(f"no folder {folder} on the host for the archive")
            return None
        if state.kind == "directory":
            raise Failed(f"{self.path} is a folder; `path` names the archive")
        try:
            return _docker_archive.contents(host, self.path)
        except _docker_archive.NoArchive:
            return "no archive of images"

    def differs(self, host: Reader, images: Mapping[str, Any]) -> bool:
        """Whether the archive holds anything but these, id by name."""
        return bool(diff(self._held(host), images))

    def observe(self, host: Reader) -> Optional[ArchiveState]:
        held = self._held(host)
        return None if held is None else ArchiveState(held, self._described(host))

    def desired(self, host: Reader, before: Optional[ArchiveState]) -> Optional[ArchiveState]:
        images = {name: image.id for name, image in self._images(host).items()}
        named = [identity for name, identity in images.items() if name != identity]  # an id beside a name of it adds nothing
        return ArchiveState({n: i for n, i in images.items() if n != i or i not in named}, self._described(host))

    def _described(self, host: Reader) -> list[dict[str, Any]]:
        return [image.described(name) for name, image in self._images(host).items()]

    def due(self, host: Reader, plan: Plan[ArchiveState]) -> Optional[str]:
        return "force: true" if self.force and not plan else None

    def write(self, host: Host) -> None:
        names = self._wanted()

        def fill(stream: Any) -> None:
            with _docker.engine(host, self, timeout=3600) as api:
                answer = api._get(api._url("/images/get"), params={"names": names}, stream=True)
                api._raise_for_status(answer)
                written = 0
                for piece in answer.iter_content(1 << 20):
                    stream.write(piece)
                    written += len(piece)
                    host.progress(f"exporting to {self.path}: {written >> 20} MB")

        host.replace_with(self.path, fill)

    def apply(self, host: Host, plan: Plan[ArchiveState]) -> None:
        self.write(host)

    perform = apply

    def foretold(self, host: Reader) -> list[tuple[str, Any]]:
        """The archive, as a check may count on it."""
        content = Unknown(f"what {self.path} holds is known once it is there")
        old = host.stat(self.path, follow=True)
        state = FileState("file", old.mode if old else 0o666 & ~current_umask(), os.geteuid(), os.getegid(), content, path=self.path)
        return [(f"file:{self.path}", state)]

    def also_foresee(self, host: Reader, plan: Plan[ArchiveState]) -> Sequence[tuple[str, Any]]:
        return self.foretold(host)

    def result(self, before: Optional[ArchiveState], after: Optional[ArchiveState]) -> dict[str, Any]:
        return {"images": after.found if after else []}
