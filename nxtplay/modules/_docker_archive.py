"""Archives of images, as `docker save` writes them."""

from __future__ import annotations

import json
import tarfile
from typing import Any

from nxtplay.core.host import Failed, Reader
from nxtplay.core.state import Unknown


class NoArchive(Failed):
    """A file that is something else."""


def contents(host: Reader, path: str) -> Any:
    """Id by name (or by id, for images without a name); Unknown for an archive that is only foreseen."""
    if host.stat(path, follow=True) is None:
        raise Failed(f"no archive {path} on the host")
    if host.has_foreseen(f"file:{path}"):
        return Unknown(f"what {path} holds is known once it is there")
    try:
        with tarfile.open(path) as archive:
            member = archive.extractfile("manifest.json")
            manifest = json.load(member) if member else []
    except (tarfile.TarError, KeyError, ValueError, OSError) as error:
        hint = "`docker save` writes one, `docker import` takes file systems"
        raise NoArchive(f"{path} is no archive of images ({error}); {hint}") from None
    found = {}
    for image in manifest:
        identity = "sha256:" + str(image["Config"]).rpartition("/")[2].replace(".json", "")
        for name in image.get("RepoTags") or [identity]:
            found[name] = identity
    return found
