"""git: a working copy of a repository at a version."""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
from dataclasses import dataclass, field
from typing import Any, Optional, Sequence, Union

from nxtplay.core.files import Content, FileState
from nxtplay.core.host import Completed, Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown, UnknownReached
from nxtplay.core.types import Path
from nxtplay.modules import _files

SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True)
class _Copy:
    """A working copy: the commit that is checked out and where it comes from."""

    head: Union[str, Unknown, None]
    remote: Optional[str]
    offered: Union[str, Unknown, None] = field(default=None, metadata={"volatile": True})  # what the remote has, where none is to be cloned


class Git(Resource[_Copy]):
    """Clone a repository, or bring a clone to a version. A check asks the remote what it has, and fetches nothing."""

    edits = True  # the remote is asked once; it may have moved on at the second look

    repo: str = arg(help="Address of the repository.", aliases=["name"])
    dest: Path | None = arg(None, help="Where the working copy is.", key=True)
    version: str = arg("HEAD", help="Branch, tag or commit.")
    remote: str = arg("origin", help="Name of the remote.")
    refspec: str | None = arg(None, help="A further refspec to fetch.")
    force: bool = arg(False, help="Throw local changes away.")
    depth: int | None = arg(None, help="Fetch so many commits only.")
    clone: bool = arg(True, help="Clone when there is no working copy.")
    update: bool = arg(True, help="Bring an existing working copy to the version.")
    bare: bool = arg(False, help="A repository without a working copy.")
    recursive: bool = arg(True, help="With submodules.")
    track_submodules: bool = arg(False, help="Submodules at the newest commit of their branch.")
    single_branch: bool = arg(False, help="Fetch the branch of the version only.")
    key_file: Path | None = arg(None, help="Private SSH key on the host.")
    ssh_opts: str | None = arg(None, help="Further options for ssh.")
    accept_hostkey: bool = arg(False, help="Take any key the server shows.")
    accept_newhostkey: bool = arg(False, help="Take the key of a server that is not known yet.")
    executable: Path | None = arg(None, help="The git program.")
    umask: str | None = arg(None, help="umask for the files, octal.")
    reference: str | None = arg(None, help="A local repository to take objects from.")
    separate_git_dir: Path | None = arg(None, help="Where .git is kept instead.")
    verify_commit: bool = arg(False, help="The commit, or the annotated tag, has to be signed by a key that gpg knows.")
    gpg_allowlist: list[str] = arg(
        default_factory=list, help="Fingerprints; with verify_commit only these keys are trusted.", aliases=["gpg_whitelist"]
    )
    archive: Path | None = arg(None, help="Pack the version into this file, too: .zip, .tar, .tar.gz or .tgz.")
    archive_prefix: str | None = arg(None, help="What the names in the archive begin with; it ends in a slash.")

    def key(self) -> str:
        return f"git:{self._dest()}"

    def observe(self, host: Reader) -> Optional[_Copy]:
        dest = self._dest()
        if host.has_foreseen(f"git:{dest}"):
            state = host.foreseen(f"git:{dest}")
            assert state is None or isinstance(state, _Copy)
            return state
        if not dest or host.stat(dest if self.bare else os.path.join(dest, ".git"), follow=True) is None:
            return None if self.clone else _Copy(None, None, offered=self._remote_head(host))
        if self.bare and not host.exists(os.path.join(dest, "HEAD")):
            return None
        head = self._look(host, "rev-parse", "--verify", "-q", "HEAD")
        remote = self._look(host, "config", "--get", f"remote.{self.remote}.url")
        return _Copy(head.stdout.strip() or None, remote.stdout.strip() or None)

    def desired(self, host: Reader, before: Optional[_Copy]) -> Optional[_Copy]:
        dest = self._dest()
        self._git(host)
        if before is not None and before.offered is not None:
            return before
        if before is None:
            if not self.clone:
                return None
            state = host.stat(dest, follow=True)
            if state is not None and (state.kind != "directory" or host.listdir(dest)):
                raise Failed(f"dest: {dest} is there and is no git repository; remove it or choose another place")
            _files.missing_parents(host, dest)
            return _Copy(self._remote_head(host), self.repo)
        if not self.update:
            return before
        if not self.force and not self.bare and not isinstance(before.head, Unknown):
            self._refuse_local_changes(host, dest)
        return dataclasses.replace(before, head=self._remote_head(host), remote=self.repo)

    def apply(self, host: Host, plan: Plan[_Copy]) -> None:
        old = os.umask(int(self.umask, 8)) if self.umask else None
        try:
            self._bring(host, plan)
        finally:
            if old is not None:
                os.umask(old)

    def _bring(self, host: Host, plan: Plan[_Copy]) -> None:
        assert plan.after is not None
        commit = str(plan.after.head)
        if plan.before is None:
            self._clone(host, commit)
        else:
            if plan.before.remote != self.repo:
                self._run(host, "remote", "set-url", self.remote, self.repo) if plan.before.remote else self._run(
                    host, "remote", "add", self.remote, self.repo
                )
                host.note(remote_url_changed=True)
            self._fetch(host, commit)
        if not self.bare:
            self._check_out(host, commit)
        before = plan.before.head if plan.before is not None else None
        if before and before != commit:
            log = self._look(host, "log", "--oneline", "--no-decorate", "-n", "50", f"{before}..{commit}")
            host.note(commits=log.stdout.splitlines())

    def also_foresee(self, host: Reader, plan: Plan[_Copy]) -> Sequence[tuple[str, Any]]:
        if self.archive is not None:
            place = _files.host_path(self.archive)
            packed = dataclasses.replace(host.stat(place) or _files.fresh(host, place, "file"), content=Unknown(f"{place} was not packed"))
            return [*self._foreseen_copy(host, plan), (f"file:{place}", packed)]
        return self._foreseen_copy(host, plan)

    def _foreseen_copy(self, host: Reader, plan: Plan[_Copy]) -> list[tuple[str, Any]]:
        if not plan:
            return []
        dest = self._dest()
        later = Unknown(f"{self.repo} was not fetched to {dest}")
        state = host.stat(dest, follow=True)
        made: dict[str, FileState] = {}
        if state is None:
            for path in [*_files.missing_parents(host, dest), dest]:
                made[path] = _files.fresh(host, path, "directory", made.get(os.path.dirname(path)))
            state = made.pop(dest)
        return [*((f"file:{p}", s) for p, s in made.items()), (f"file:{dest}", dataclasses.replace(state, content=later))]

    def result(self, before: Optional[_Copy], after: Optional[_Copy]) -> dict[str, Any]:
        told = after.offered if after is not None and after.head is None else after.head if after is not None else None
        return {"before": before.head if before else None, "after": told, "remote_url_changed": False}

    # -- the archive of a version

    def due(self, host: Reader, plan: Plan[_Copy]) -> Optional[str]:
        if self.archive is None or plan.after is None:
            return None
        place = _files.host_path(self.archive)
        _format(place)
        now = host.stat(place, content=True, follow=True)
        if now is not None and now.kind == "directory":
            raise Failed(f"archive: {place} is a directory")
        if now is not None and isinstance(now.content, Unknown):
            raise UnknownReached(now.content)
        if now is not None and not plan and not isinstance(plan.after.head, Unknown):
            packed = self._look(host, *self._packing(place, str(plan.after.head)))
            if packed.rc == 0 and Content.of(packed.out) == now.content:
                return None
        _files.parent_state(host, place)
        return f"{place} is packed"

    def perform(self, host: Host, plan: Plan[_Copy]) -> None:
        assert self.archive is not None and plan.after is not None
        place = _files.host_path(self.archive)
        host.write(place, self._run(host, *self._packing(place, str(plan.after.head)), stream=False).out)

    def _packing(self, place: str, commit: str) -> list[str]:
        return ["archive", f"--format={_format(place)}", *([f"--prefix={self.archive_prefix}"] if self.archive_prefix else []), commit]

    # -- git itself

    def _dest(self) -> str:
        if self.dest is None and not self.clone:
            return ""  # only the remote is asked
        if self.dest is None:
            raise Failed("dest is required: where shall the working copy be?")
        return _files.host_path(self.dest)

    def _git(self, host: Reader) -> str:
        program = self.executable or host.which("git")
        if program is None:
            if host.has_foreseen("package:git"):
                return "git"
            raise Failed("no git on this host; install the package git first")
        return program

    def _environ(self) -> dict[str, str]:
        options = shlex.split(self.ssh_opts or "")
        if self.key_file:
            options += ["-i", _files.host_path(self.key_file), "-o", "IdentitiesOnly=yes"]
        if self.accept_hostkey:
            options += ["-o", "StrictHostKeyChecking=no"]
        elif self.accept_newhostkey:
            options += ["-o", "StrictHostKeyChecking=accept-new"]
        command = " ".join(["ssh", "-o", "BatchMode=yes", *map(shlex.quote, options)])
        return {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": command, "LC_ALL": "C.UTF-8"}

    def _words(self, host: Reader, *words: str, there: bool = True) -> list[str]:
        safe = ["-c", f"safe.directory={self._dest()}"]
        return [self._git(host), *safe, *(["-C", self._dest()] if there else []), *words]

    def _look(self, host: Reader, *words: str, there: bool = True) -> Completed:
        return host.look(self._words(host, *words, there=there), env={**self._environ(), "GIT_OPTIONAL_LOCKS": "0"}, timeout=120)

    def _run(self, host: Host, *words: str, there: bool = True, stream: bool = True) -> Completed:
        done = host.run(self._words(host, *words, there=there), env=self._environ(), stream=stream)
        if done.rc != 0:
            what = next(w for w in words if not w.startswith("-"))
            raise Failed(
                f"git {what} failed: {_hidden(done.stderr.strip()[-1500:])}", rc=done.rc, stdout=done.stdout, stderr=_hidden(done.stderr)
            )
        return done

    def _remote_head(self, host: Reader) -> Union[str, Unknown]:
        """The commit that the remote has for the version; unknown where git itself is only foreseen."""
        if SHA.fullmatch(self.version):
            return self.version
        if not (self.executable or host.which("git")):
            return Unknown("git is not installed yet")
        names = [self.version] if self.version == "HEAD" else [f"refs/heads/{self.version}", f"refs/tags/{self.version}*", self.version]
        found = self._look(host, "ls-remote", self.repo, *names, there=False)
        if found.rc != 0:
            raise Failed(f"cannot ask {_hidden(self.repo)}: {_hidden(found.stderr.strip())}", rc=found.rc)
        refs = {name: commit for commit, _, name in (line.partition("\t") for line in found.stdout.splitlines())}
        tag = f"refs/tags/{self.version}"
        for name in (f"refs/heads/{self.version}", tag + "^{}", tag, self.version):
            if name in refs:
                return str(refs[name])
        if re.fullmatch(r"[0-9a-f]{7,39}", self.version):
            return self._short(host)
        raise Failed(f"{_hidden(self.repo)} has no branch or tag '{self.version}'")

    def _short(self, host: Reader) -> Union[str, Unknown]:
        """A commit given by the beginning of its hash: known where it is here already."""
        if host.exists(os.path.join(self._dest(), ".git")):
            found = self._look(host, "rev-parse", "-q", "--verify", self.version + "^{commit}")
            if found.rc == 0:
                return found.stdout.strip()
        raise Failed(f"version: {self.version} is not known here yet; give the whole hash (40 digits)")

    def _is_branch(self, host: Reader) -> bool:
        if SHA.fullmatch(self.version) or self.version == "HEAD":
            return False
        return self._look(host, "show-ref", "-q", "--verify", f"refs/remotes/{self.remote}/{self.version}").rc == 0

    def _refuse_local_changes(self, host: Reader, dest: str) -> None:
        found = self._look(host, "status", "--porcelain", "--untracked-files=no")
        if found.stdout.strip():
            files = ", ".join(line[3:] for line in found.stdout.splitlines()[:5])
            raise Failed(f"Local modifications exist in {dest} ({files}); commit them, or throw them away with force: true")

    def _clone(self, host: Host, commit: str) -> None:
        dest = self._dest()
        os.makedirs(os.path.dirname(dest), exist_ok=True)
        words = ["clone", "--origin", self.remote]
        words += ["--bare"] if self.bare else ["--no-checkout"]
        if self.depth and not SHA.fullmatch(self.version):
            words += ["--depth", str(self.depth)]
        if (self.depth or self.single_branch) and not SHA.fullmatch(self.version) and self.version != "HEAD":
            words += ["--branch", self.version]
        if self.single_branch:
            words.append("--single-branch")
        if self.reference:
            words += ["--reference", self.reference]
        if self.separate_git_dir:
            words.append(f"--separate-git-dir={_files.host_path(self.separate_git_dir)}")
        self._run(host, *words, "--", self.repo, dest, there=False)
        if self.refspec:
            self._run(host, "fetch", self.remote, self.refspec)
        if self.bare:
            return
        self._have(host, commit)

    def _fetch(self, host: Host, commit: str) -> None:
        depth = ["--depth", str(self.depth)] if self.depth else []
        self._run(host, "fetch", "--tags", "--force", *depth, self.remote, *([self.refspec] if self.refspec else []))
        self._have(host, commit)

    def _have(self, host: Host, commit: str) -> None:
        """A commit that no branch brought (a shallow clone, a bare hash) is fetched by its name."""
        if self._look(host, "cat-file", "-e", commit + "^{commit}").rc != 0:
            self._run(host, "fetch", *(["--depth", str(self.depth)] if self.depth else []), self.remote, commit)

    def _check_out(self, host: Host, commit: str) -> None:
        if self.verify_commit:
            self._verify(host, commit)
        force = ["--force"] if self.force else []
        branch = self.version if self._is_branch(host) else None
        if self.version == "HEAD":
            found = self._look(host, "symbolic-ref", "-q", "--short", "HEAD").stdout.strip()
            branch = found or None
        if branch:
            self._run(host, "checkout", *force, "-B", branch, commit)
            self._look_quietly(host, "branch", f"--set-upstream-to={self.remote}/{branch}", branch)
        else:
            self._run(host, "checkout", *force, "--detach", commit)
        if self.force:
            self._run(host, "reset", "--hard", commit)
        if self.recursive and host.exists(os.path.join(self._dest(), ".gitmodules")):
            self._run(host, "submodule", "sync", "--recursive")
            self._run(host, "submodule", "update", "--init", "--recursive", *(["--remote"] if self.track_submodules else []), *force)

    def _verify(self, host: Host, commit: str) -> None:
        annotated = self._look(host, "cat-file", "-t", f"refs/tags/{self.version}").stdout.strip() == "tag"
        what = ("verify-tag", self.version) if annotated else ("verify-commit", commit)
        raw = ["--raw"] if self.gpg_allowlist else []
        done = host.run(self._words(host, what[0], *raw, what[1]), env=self._environ())
        if done.rc != 0:
            raise Failed(f"Failed to verify GPG signature of commit/tag {what[1]}: {done.stderr.strip() or 'there is none'}", rc=done.rc)
        signed = re.search(r"^\[GNUPG:\] VALIDSIG (.+)$", done.stderr, re.MULTILINE)
        keys = set(signed.group(1).split()) if signed else set()  # of the key itself, and of the one that it belongs to
        if self.gpg_allowlist and not keys.intersection(self.gpg_allowlist):
            raise Failed(f"{what[1]} is signed by {min(keys, default='a key that git does not name')}, which gpg_allowlist does not hold")

    def _look_quietly(self, host: Host, *words: str) -> None:
        host.run(self._words(host, *words), env=self._environ())


def _format(path: str) -> str:
    """What git calls the format of an archive of that name."""
    found = next((ending for ending in ("tar.gz", "tgz", "tar", "zip") if path.endswith(f".{ending}")), None)
    if found is None:
        raise Failed(f"archive: {path} ends in none of .zip, .tar, .tar.gz, .tgz")
    return found


def _hidden(text: str) -> str:
    """Passwords inside addresses left out."""
    return re.sub(r"(\w+://[^/\s:@]*):[^/\s@]+@", r"\1:********@", text)
