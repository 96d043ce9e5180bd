"""What `extra_opts` of unarchive mean: those of the options of tar and unzip that have a meaning where neither program runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Optional, Sequence

from nxtplay.core.host import Failed

IDLE = frozenset(  # they change nothing here: what they ask for is done anyway, or cannot be
    "--overwrite --overwrite-dir --no-overwrite-dir --unlink-first --recursive-unlink --wildcards --no-wildcards --wildcards-match-slash "
    "--anchored --no-anchored --no-ignore-command-error --no-acls --no-selinux --no-xattrs --touch --same-owner --preserve-permissions "
    "--same-permissions --delay-directory-restore --no-delay-directory-restore --verbose --force-local -v -p -m -U -q -qq -DD".split()
)


@dataclass(frozen=True)
class Unpacking:
    """How the members of an archive come to their places."""

    strip: int = 0  # so many leading parts of each path go
    flat: bool = False  # all parts but the last go
    own: bool = False  # files belong to whoever unpacks them
    masked: bool = False  # the umask counts
    keep: bool = False  # what is there already stays
    exclude: tuple[str, ...] = ()


def unpacking(options: Sequence[str]) -> Unpacking:
    """Failed for an option that is not understood."""
    strip, exclude, names = 0, [], set()
    for name, value in _pairs(options):
        if name in ("--strip-components", "--strip"):
            if value is None or not value.isdigit():
                raise Failed(f"extra_opts: {name} takes a number, found {value or 'none'}")
            strip = int(value)
        elif name == "--exclude":
            exclude.append(value or "")
        elif name not in IDLE and name not in _MEANINGS and not name.startswith("--warning"):
            known = ", ".join(["--strip-components", "--exclude", *_MEANINGS])
            raise Failed(f"extra_opts: {name} is not understood; {known} are")
        names.add(_MEANINGS.get(name, ""))
    return Unpacking(strip, "flat" in names, "own" in names, "masked" in names, "keep" in names, tuple(exclude))


_MEANINGS = {
    "--no-same-owner": "own",
    "-o": "own",  # of unzip it means to overwrite, which is done anyway, and files are its user's
    "--no-same-permissions": "masked",
    "--skip-old-files": "keep",
    "-k": "keep",
    "-n": "keep",
    "-j": "flat",
}


def _pairs(options: Sequence[str]) -> Iterator[tuple[str, Optional[str]]]:
    """Each option and its value, written as one word or as two."""
    words = [word for option in options for word in option.split()]
    while words:
        name, given, value = words.pop(0).partition("=")
        if not given and name in ("--strip-components", "--strip", "--exclude") and words:
            value = words.pop(0)
        yield name, value if given or value else None
