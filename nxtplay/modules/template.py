"""template: render a template of the controller into a file on the host."""

from __future__ import annotations

import os
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.files import Content, FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown
from nxtplay.core.types import Path, Raw
from nxtplay.modules import _copy, _files
from nxtplay.modules._sources import Source

OPTIONS = (
    "block_start_string",
    "block_end_string",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
    "trim_blocks",
    "lstrip_blocks",
    "newline_sequence",
    "output_encoding",
)
NEWLINES = {"\\n": "\n", "\\r": "\r", "\\r\\n": "\r\n"}


class Template(_files.Ownership, _files.Content_, Resource[FileState]):
    """Render a Jinja template into a file."""

    src: Raw = arg(help="The template on the controller, below templates/.")
    dest: Path = arg(help="The file to write; a directory keeps the template's name.", key=True)
    force: bool = arg(True, help="Replace a file whose content differs; else only a missing one is written.")
    follow: bool = arg(False, help="When dest is a symbolic link, write what it leads to.")
    trim_blocks: bool = arg(True, help="Drop the newline after a block.")
    lstrip_blocks: bool = arg(False, help="Drop blanks before a block.")
    newline_sequence: Literal["\n", "\r", "\r\n", "\\n", "\\r", "\\r\\n"] = arg("\n", help="What a line ends with.")
    output_encoding: str = arg("utf-8", help="Encoding of the file.")
    block_start_string: str | None = arg(None, help="Instead of {%.")
    block_end_string: str | None = arg(None, help="Instead of %}.")
    variable_start_string: str | None = arg(None, help="Instead of {{.")
    variable_end_string: str | None = arg(None, help="Instead of }}.")
    comment_start_string: str | None = arg(None, help="Instead of {#.")
    comment_end_string: str | None = arg(None, help="Instead of #}.")

    @classmethod
    def prepare(cls, args: dict[str, Any], controller: Any) -> dict[str, Any]:
        src = args.get("src")
        if not isinstance(src, str):
            return args
        options = {name: args[name] for name in OPTIONS if args.get(name) is not None}
        options["newline_sequence"] = NEWLINES.get(options.get("newline_sequence", "\n"), options.get("newline_sequence", "\n"))
        found = controller.find(src, "templates")
        options |= {"src": src, "dest": args.get("dest")}  # which the template may name
        text = controller.template(found, options)
        content: Any = text if isinstance(text, Unknown) else text.encode(args.get("output_encoding") or "utf-8", "surrogateescape")
        return {**args, "src": Source(os.path.basename(found), os.stat(found).st_mode & 0o7777, content)}

    def key(self) -> str:
        return _files.file_key(self.dest)

    def key_on(self, host: Reader) -> str:
        return "file:" + self._path(host)

    def observe(self, host: Reader) -> Optional[FileState]:
        return host.stat(self._path(host), content=True)

    def desired(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        _files.check_validate(self.validate)
        source = self._source()
        if before is not None and before.kind != "directory" and not self.force:
            return before
        content: Any = source.content if isinstance(source.content, Unknown) else _files.content_of(source.content or b"")
        mode = f"{source.mode:04o}" if self.mode == "preserve" else self.mode
        return _copy.desired_file(host, self, self._path(host), before, content, mode=mode, make_parents=self.dest.endswith("/"))

    def apply(self, host: Host, plan: Plan[FileState]) -> None:
        _copy.write(host, self, plan, self._source().content, make_parents=self.dest.endswith("/"))

    def also_foresee(self, host: Reader, plan: Plan[FileState]) -> Sequence[tuple[str, Any]]:
        return _copy.with_parents_made(host, self, plan)

    def result(self, before: Optional[FileState], after: Optional[FileState]) -> dict[str, Any]:
        checksums = _files.checksum_of(after.content) if after is not None else {}
        if after is not None and isinstance(after.content, Content):
            checksums["size"] = after.content.size
        path = after.path if after is not None and after.path else str(self.dest)
        return {"dest": path, "path": path, "src": self._source().name, **_files.facts_of(after), **checksums}

    def _source(self) -> Source:
        if not isinstance(self.src, Source):
            raise Failed("the template was not rendered on the controller")
        return self.src

    def _path(self, host: Reader) -> str:
        return _copy.target_of(host, self.dest, self._source().name, follow=self.follow)
