"""patch: a patch applied to files, or taken back."""

from __future__ import annotations

import os
from typing import Any, Iterator, Literal, Optional, Sequence

from nxtplay.core.host import Completed, Failed, Host, Reader
from nxtplay.core.resource import Action, arg, one_of
from nxtplay.core.state import Unknown, UnknownReached
from nxtplay.core.types import Path, Raw
from nxtplay.modules import _files, _sources


class Patch(Action):
    """Apply a patch with GNU patch, unless it is applied already, or take it back.

    One that does not fit fails before anything changes.
    """

    src: Raw = arg(help="The patch: a file on the controller, with remote_src on the host.", aliases=["patchfile"])
    remote_src: bool = arg(False, help="The patch is on the host already.")
    basedir: Path | None = arg(None, help="Folder that the names in the patch are below; that of dest unless given.")
    dest: Path | None = arg(None, help="The one file to be patched, instead of those that the patch names.", aliases=["originalfile"])
    strip: int = arg(0, help="How many parts of the names in the patch are left out at their start.")
    state: Literal["present", "absent"] = arg("present", help="Applied or taken back.")
    backup: bool = arg(False, help="Keep the files as they were, under numbered names.")
    binary: bool = arg(False, help="Leave line ends as they are.")
    ignore_whitespace: bool = arg(False, help="White space may differ.")

    rules = (one_of("basedir", "dest"),)

    @classmethod
    def prepare(cls, args: dict[str, Any], controller: Any) -> dict[str, Any]:
        name = "patchfile" if "patchfile" in args else "src"
        given = args.get(name)
        if not isinstance(given, str) or _sources.stated(args, "remote_src", False):
            return args
        source = _sources.take(controller, given, decrypt=True)
        if not isinstance(source, _sources.Source):
            raise Failed(f"src: {given} is a directory; a patch is a file")
        return {**args, name: source}

    def due(self, host: Reader) -> Optional[str]:
        if host.which("patch") is None:
            raise Failed("there is no program patch on this host: install the package patch")
        self._unless_foreseen(host)
        if self._tried(host, reverse=self.state == "present").rc == 0:
            return None
        tried = self._tried(host, reverse=self.state == "absent")
        if tried.rc != 0:
            raise Failed(f"the patch does not fit: {(tried.stdout + tried.stderr).strip()}", rc=tried.rc)
        return "applies the patch" if self.state == "present" else "takes the patch back"

    def perform(self, host: Host) -> dict[str, Any]:
        backup = ["--backup", "--version-control=numbered"] if self.backup else ["--no-backup-if-mismatch"]
        host.run(self._words(backup, reverse=self.state == "absent"), stdin=self._text(host), check=True)
        return {}

    def foresee(self, host: Reader) -> Sequence[tuple[str, Any]]:
        return [(_files.file_key(path), Unknown(f"what the patch makes of {path}")) for path in self._touched(host)]

    # -- on the way

    def _words(self, options: Sequence[str], *, reverse: bool) -> list[str]:
        switches = {"--binary": self.binary, "--ignore-whitespace": self.ignore_whitespace, "--reverse": reverse}
        how = [*(word for word, is_on in switches.items() if is_on), *options]
        words = ["patch", "--force", "--quiet", "--reject-file=-", f"--strip={self.strip}", f"--directory={self._base()}", *how]
        return [*words, "--", _files.host_path(self.dest)] if self.dest else words

    def _tried(self, host: Reader, *, reverse: bool) -> Completed:
        return host.look(self._words(["--dry-run"], reverse=reverse), stdin=self._text(host))

    def _base(self) -> str:
        return _files.host_path(self.basedir) if self.basedir else os.path.dirname(_files.host_path(self.dest or "")) or "/"

    def _text(self, host: Reader) -> bytes:
        if isinstance(self.src, _sources.Source):
            content: Any = self.src.content
            return content if isinstance(content, bytes) else b"".join(content.chunks())
        return host.read(_files.host_path(str(self.src)))

    def _touched(self, host: Reader) -> Iterator[str]:
        if self.dest:
            yield _files.host_path(self.dest)
            return
        found: dict[str, None] = {}
        for line in self._text(host).decode("utf-8", "surrogateescape").splitlines():
            if line.startswith(("--- ", "+++ ")):
                name = line[4:].split("\t")[0].strip()
                parts = name.split("/")[self.strip :]
                if name != "/dev/null" and parts:
                    found[os.path.normpath(os.path.join(self._base(), *parts))] = None
        yield from found

    def _unless_foreseen(self, host: Reader) -> None:
        for path in self._touched(host):
            if host.has_foreseen(_files.file_key(path)):
                raise UnknownReached(Unknown(f"whether the patch fits: {path} is only foreseen"))
