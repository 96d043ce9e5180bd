"""`ansible.module_utils.basic` as modules of other people use it. It is carried to the host as that file."""

from __future__ import annotations

import collections.abc
import contextlib
import hashlib
import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import syslog
import tempfile
from typing import Any, NoReturn, Optional

from . import distro
from .common import arguments, validation, warnings
from .common.arguments import env_fallback as env_fallback
from .common.text.formatters import bytes_to_human as bytes_to_human
from .common.text.formatters import human_to_bytes as human_to_bytes
from .common.validation import FALSE as BOOLEANS_FALSE
from .common.validation import TRUE as BOOLEANS_TRUE
from .errors import AnsibleFallbackNotFound as AnsibleFallbackNotFound

AVAILABLE_HASH_ALGORITHMS = {name: getattr(hashlib, name) for name in sorted(hashlib.algorithms_guaranteed) if hasattr(hashlib, name)}
SEQUENCETYPE = frozenset, collections.abc.KeysView, collections.abc.Sequence
BOOLEANS = BOOLEANS_TRUE | BOOLEANS_FALSE
FILE_COMMON_ARGUMENTS: dict[str, Any] = {
    "mode": {"type": "raw"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "seuser": {"type": "str"},
    "serole": {"type": "str"},
    "selevel": {"type": "str"},
    "setype": {"type": "str"},
    "attributes": {"type": "str", "aliases": ["attr"]},
    "unsafe_writes": {"type": "bool", "default": False},
}
HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


def to_text(value: Any, encoding: str = "utf-8", errors: Optional[str] = None, nonstring: str = "simplerepr") -> Any:
    if isinstance(value, bytes):
        return value.decode(encoding, "surrogateescape")
    return value if isinstance(value, str) or nonstring == "passthru" else str(value)


def to_bytes(value: Any, encoding: str = "utf-8", errors: Optional[str] = None, nonstring: str = "simplerepr") -> Any:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str) and nonstring == "passthru":
        return value
    return str(value).encode(encoding, "surrogateescape")


to_native = to_text


def boolean(value: Any, strict: bool = True) -> bool:
    word = value.lower().strip() if isinstance(value, str) else value
    if word in BOOLEANS_TRUE:
        return True
    if word in BOOLEANS_FALSE or not strict:
        return False
    raise TypeError(f"The value {value!r} is not a valid boolean.")


def missing_required_lib(library: str, reason: Optional[str] = None, url: Optional[str] = None) -> str:
    more = (f" This is required {reason}." if reason else "") + (f" See {url} for more info." if url else "")
    return f"Failed to import the required Python library ({library}) on {os.uname().nodename}'s Python {sys.executable}.{more}"


def jsonify(data: Any, **_: Any) -> str:
    return json.dumps(data, default=_plain)


def json_dict_bytes_to_unicode(value: Any, encoding: str = "utf-8", errors: str = "surrogate_or_strict") -> Any:
    """Bytes as text, within mappings and lists too."""
    if isinstance(value, dict):
        return {json_dict_bytes_to_unicode(key): json_dict_bytes_to_unicode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(json_dict_bytes_to_unicode(item) for item in value)
    return to_text(value) if isinstance(value, bytes) else value


def _plain(value: Any) -> Any:
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    return to_text(value)


def remove_values(value: Any, no_log_strings: Any) -> Any:
    """The value without these texts, wherever they are in it."""
    if isinstance(value, dict):
        return {key: remove_values(inner, no_log_strings) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [remove_values(inner, no_log_strings) for inner in value]
    if isinstance(value, bytes):
        value = to_text(value)
    if isinstance(value, str):
        for secret in sorted(map(to_text, no_log_strings), key=len, reverse=True):  # one may be a part of another
            value = HIDDEN if value == secret else value.replace(secret, "********")
    return value


def sanitize_keys(obj: Any, no_log_strings: Any, ignore_keys: Any = frozenset()) -> Any:
    """The value without these texts in the names of its keys; those of `ignore_keys`, and what begins with _ansible, stay."""
    if isinstance(obj, dict):
        kept = {key: key if key in ignore_keys or str(key).startswith("_ansible") else remove_values(key, no_log_strings) for key in obj}
        return {kept[key]: sanitize_keys(value, no_log_strings, ignore_keys) for key, value in obj.items()}
    return [sanitize_keys(item, no_log_strings, ignore_keys) for item in obj] if isinstance(obj, (list, tuple, set)) else obj


def is_executable(path: str) -> bool:
    return bool(os.stat(path).st_mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH))


def get_platform() -> str:
    return os.uname().sysname


def get_distribution() -> Optional[str]:
    """The distribution as modules name it: Debian, Ubuntu, Redhat, OtherLinux; None where it is no Linux."""
    found = distro.id()
    own = {"rhel": "Redhat", "amzn": "Amazon", "": "OtherLinux", "opensuse-leap": "Opensuse-leap"}
    return own.get(found, found.capitalize()) if get_platform() == "Linux" else None


def get_distribution_version() -> Optional[str]:
    with contextlib.suppress(OSError), open("/etc/debian_version", encoding="utf-8") as stream:
        found = stream.read().strip()
        if distro.id() == "debian" and found[:1].isdigit():
            return found  # 12.11, where the other file says 12
    return distro.version() if get_platform() == "Linux" else None


def get_all_subclasses(cls: type) -> set[type]:
    found: set[type] = set(cls.__subclasses__())
    return found.union(*(get_all_subclasses(one) for one in found))


def _load_params() -> dict[str, Any]:
    """What the module was given."""
    with open(sys.argv[1], encoding="utf-8") as stream:
        given: dict[str, Any] = json.load(stream)["ANSIBLE_MODULE_ARGS"]
    return given


def _stand_somewhere() -> None:
    """Programs want a folder to stand in: another one, where that which the module was started in is gone or cannot be read."""
    for folder in (".", os.path.expanduser("~"), tempfile.gettempdir(), "/"):
        with contextlib.suppress(OSError):
            if os.access(folder, os.R_OK | os.X_OK):
                os.chdir(folder)
                os.getcwd()
                return


class AnsibleModule:
    """The arguments of the task, checked, and the ways to answer it."""

    def __init__(
        self,
        argument_spec: dict[str, Any],
        bypass_checks: bool = False,
        no_log: bool = False,
        mutually_exclusive: Any = None,
        required_together: Any = None,
        required_one_of: Any = None,
        add_file_common_args: bool = False,
        supports_check_mode: bool = False,
        required_if: Any = None,
        required_by: Any = None,
    ) -> None:
        given = _load_params()
        _stand_somewhere()
        internal = {key[len("_ansible_") :]: given.pop(key) for key in list(given) if key.startswith("_ansible_")}
        self._name = internal.get("module_name", "")
        self._verbosity = internal.get("verbosity", 0)
        self._diff = internal.get("diff", False)
        self.check_mode = internal.get("check_mode", False)
        self.no_log = internal.get("no_log", no_log)
        self.supports_check_mode = supports_check_mode
        self.argument_spec = {**(FILE_COMMON_ARGUMENTS if add_file_common_args else {}), **argument_spec}
        self.run_command_environ_update: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        self.ansible_version = "2.19"
        self._tmpdir: Optional[str] = None
        self.cleanup_files: list[str] = []
        noted = arguments.Noted()
        self.no_log_values = noted.secrets
        self._warnings, self._deprecations = noted.warnings, noted.deprecations
        rules = (mutually_exclusive, required_together, required_one_of, required_if, required_by)
        try:
            self.params: dict[str, Any] = arguments.read(self.argument_spec, given, rules, module=self._name, noted=noted)
        except arguments.Wrong as wrong:
            self.params = {}
            self.fail_json(msg=str(wrong))

    # -- answers

    def exit_json(self, **answer: Any) -> NoReturn:
        answer.setdefault("changed", False)
        self._answer(answer)
        sys.exit(0)

    def fail_json(self, msg: Any = "", **answer: Any) -> NoReturn:
        self._answer({"changed": False, **answer, "msg": to_text(msg), "failed": True})
        sys.exit(1)

    def _answer(self, answer: dict[str, Any]) -> None:
        told, old = [*self._warnings, *warnings.get_warning_messages()], [*self._deprecations, *warnings.get_deprecation_messages()]
        if told:
            answer["warnings"] = [*answer.get("warnings", ()), *told]
        if old:
            answer["deprecations"] = [*answer.get("deprecations", ()), *old]
        for path in self.cleanup_files:
            self.cleanup(path)
        if self._tmpdir:
            shutil.rmtree(self._tmpdir, ignore_errors=True)
        print("\n" + json.dumps(remove_values(answer, self.no_log_values), default=_plain))

    def fail_on_missing_params(self, required_params: Any = None) -> None:
        try:
            validation.check_missing_parameters(self.params, required_params)
        except TypeError as error:
            self.fail_json(msg=str(error))

    def warn(self, warning: str, **_: Any) -> None:
        self._warnings.append(to_text(warning))

    def deprecate(self, msg: str, version: Any = None, date: Any = None, collection_name: Any = None, **_: Any) -> None:
        self._deprecations.append(arguments.deprecation(msg, version=version, date=date, collection_name=collection_name))

    def log(self, msg: Any, log_args: Any = None) -> None:
        """Tell the system's log, unless the task hides what it does."""
        if self.no_log:
            return
        syslog.openlog(f"ansible-{os.path.basename(self._name)}", 0, syslog.LOG_USER)
        syslog.syslog(syslog.LOG_INFO, str(remove_values(to_text(msg), self.no_log_values)).replace("\0", ""))

    def debug(self, msg: Any) -> None:
        """Nobody asks for this much."""

    def jsonify(self, data: Any) -> str:
        return jsonify(data)

    def from_json(self, data: Any) -> Any:
        return json.loads(data)

    def boolean(self, value: Any) -> bool:
        try:
            return boolean(value)
        except TypeError as error:
            self.fail_json(msg=str(error))

    # -- programs

    def get_bin_path(self, arg: str, required: bool = False, opt_dirs: Any = None) -> Optional[str]:
        path = os.pathsep.join([*(opt_dirs or ()), os.environ.get("PATH", ""), "/sbin", "/usr/sbin", "/usr/local/sbin"])
        found = shutil.which(arg, path=path)
        if found is None and required:
            self.fail_json(msg=f"Failed to find required executable {arg!r} in paths: {path}")
        return found

    def run_command(
        self,
        args: Any,
        check_rc: bool = False,
        close_fds: bool = True,
        executable: Optional[str] = None,
        data: Any = None,
        binary_data: bool = False,
        path_prefix: Optional[str] = None,
        cwd: Any = None,
        use_unsafe_shell: bool = False,
        prompt_regex: Any = None,
        environ_update: Optional[dict[str, str]] = None,
        umask: Optional[int] = None,
        encoding: Optional[str] = "utf-8",
        errors: str = "surrogate_or_strict",
        expand_user_and_vars: bool = True,
        **_: Any,
    ) -> tuple[int, Any, Any]:
        words = args if isinstance(args, (list, tuple)) or use_unsafe_shell else shlex.split(to_text(args))
        if isinstance(words, (list, tuple)):
            words = [to_text(word) for word in words]
            words = [os.path.expanduser(os.path.expandvars(word)) for word in words] if expand_user_and_vars else words
            words = " ".join(map(shlex.quote, words)) if use_unsafe_shell else words
        environ = {**os.environ, **self.run_command_environ_update, **(environ_update or {})}
        if path_prefix:
            environ["PATH"] = f"{path_prefix}:{environ.get('PATH', '')}"
        if data is not None and not binary_data:
            data = to_bytes(data) + b"\n"
        try:
            with _umask(umask):
                done = subprocess.run(
                    words, input=data, stdin=None if data is not None else subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE, shell=use_unsafe_shell, executable=executable, cwd=cwd, env=environ, check=False,
                )  # fmt: skip
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not check_rc:
                self.fail_json(rc=error.errno, stdout="", stderr="", msg=f"Error executing command: {error}", cmd=words)
            self.fail_json(rc=error.errno, stdout="", stderr="", msg=f"Error executing command: {error}", cmd=words)
        out, err = (done.stdout, done.stderr) if encoding is None else (to_text(done.stdout, encoding), to_text(done.stderr, encoding))
        if check_rc and done.returncode != 0:
            self.fail_json(msg=to_text(err).rstrip(), cmd=words, rc=done.returncode, stdout=out, stderr=err)
        return done.returncode, out, err

    # -- files

    @property
    def tmpdir(self) -> str:
        if self._tmpdir is None:
            self._tmpdir = tempfile.mkdtemp(prefix="ansible-moduletmp-")
        return self._tmpdir

    def digest_from_file(self, filename: str, algorithm: Any) -> Optional[str]:
        if not os.path.exists(filename):
            return None
        digest = hashlib.new(algorithm) if isinstance(algorithm, str) else algorithm
        with open(filename, "rb") as stream:
            for chunk in iter(lambda: stream.read(65536), b""):
                digest.update(chunk)
        return str(digest.hexdigest())

    def sha1(self, filename: str) -> Optional[str]:
        return self.digest_from_file(filename, "sha1")

    def sha256(self, filename: str) -> Optional[str]:
        return self.digest_from_file(filename, "sha256")

    def md5(self, filename: str) -> Optional[str]:
        return self.digest_from_file(filename, "md5")

    def backup_local(self, fn: str) -> str:
        import time

        if not os.path.exists(fn):
            return ""
        kept = f"{fn}.{os.getpid()}.{time.strftime('%Y-%m-%d@%H:%M:%S~')}"
        shutil.copy2(fn, kept)
        return kept

    def preserved_copy(self, src: str, dest: str) -> None:
        """A copy with owner, rights and times."""
        shutil.copy2(src, dest)
        found = os.stat(src)
        os.chown(dest, found.st_uid, found.st_gid)

    def add_cleanup_file(self, path: str) -> None:
        """Have it go with the answer."""
        self.cleanup_files.append(path)

    def cleanup(self, tmpfile: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(tmpfile)

    def atomic_move(self, src: str, dest: str, unsafe_writes: bool = False, keep_dest_attrs: bool = True) -> None:
        there = os.stat(dest) if os.path.exists(dest) else None
        if there is None:
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(src, 0o666 & ~mask)
        elif keep_dest_attrs:
            os.chmod(src, stat.S_IMODE(there.st_mode))
            with contextlib.suppress(OSError):
                os.chown(src, there.st_uid, there.st_gid)
        try:
            os.rename(src, dest)
        except OSError:  # another file system
            beside = tempfile.mktemp(prefix=".ansible_tmp", dir=os.path.dirname(os.path.abspath(dest)))
            shutil.copy2(src, beside)
            os.rename(beside, dest)
            os.unlink(src)

    def load_file_common_arguments(self, params: dict[str, Any], path: Optional[str] = None) -> dict[str, Any]:
        path = path or params.get("path", params.get("dest"))
        return {"path": path, **{name: params.get(name) for name in FILE_COMMON_ARGUMENTS}} if path else {}

    def set_fs_attributes_if_different(self, file_args: dict[str, Any], changed: bool, diff: Any = None, expand: bool = True) -> bool:
        path = file_args["path"]
        changed = self.set_owner_if_different(path, file_args.get("owner"), changed)
        changed = self.set_group_if_different(path, file_args.get("group"), changed)
        return self.set_mode_if_different(path, file_args.get("mode"), changed)

    set_file_attributes_if_different = set_directory_attributes_if_different = set_fs_attributes_if_different

    def set_mode_if_different(self, path: str, mode: Any, changed: bool, diff: Any = None, expand: bool = True) -> bool:
        if mode is None:
            return changed
        now = stat.S_IMODE(os.lstat(path).st_mode)
        if not isinstance(mode, int):
            try:
                mode = int(str(mode), 8)
            except ValueError:
                rc, _, err = self.run_command(["chmod", str(mode), path])
                if rc != 0:
                    self.fail_json(path=path, msg="mode must be in octal or symbolic form", details=err)
                return changed or now != stat.S_IMODE(os.lstat(path).st_mode)
        if now == mode:
            return changed
        if not self.check_mode:
            os.chmod(path, mode)
        return True

    def selinux_enabled(self) -> bool:
        """Contexts are not looked after."""
        return False

    def set_default_selinux_context(self, path: str, changed: bool) -> bool:
        return changed

    def set_context_if_different(self, path: str, context: Any, changed: bool, diff: Any = None) -> bool:
        return changed

    def set_owner_if_different(self, path: str, owner: Any, changed: bool, diff: Any = None, expand: bool = True) -> bool:
        import pwd

        return self._owned(path, owner, changed, lambda name: pwd.getpwnam(name).pw_uid, "user", 0)

    def set_group_if_different(self, path: str, group: Any, changed: bool, diff: Any = None, expand: bool = True) -> bool:
        import grp

        return self._owned(path, group, changed, lambda name: grp.getgrnam(name).gr_gid, "group", 1)

    def _owned(self, path: str, name: Any, changed: bool, find: Any, what: str, place: int) -> bool:
        if name is None:
            return changed
        try:
            number = int(name) if str(name).isdigit() else find(name)
        except KeyError:
            self.fail_json(path=path, msg=f"chown failed: failed to look up {what} {name}")
        now = os.lstat(path)
        if (now.st_uid, now.st_gid)[place] == number:
            return changed
        if not self.check_mode:
            os.lchown(path, *((number, -1) if place == 0 else (-1, number)))
        return True

    def add_path_info(self, answer: dict[str, Any]) -> dict[str, Any]:
        path = answer.get("path", answer.get("dest"))
        if path and os.path.lexists(path):
            found = os.lstat(path)
            kind = "link" if stat.S_ISLNK(found.st_mode) else "directory" if stat.S_ISDIR(found.st_mode) else "file"
            answer.update(uid=found.st_uid, gid=found.st_gid, mode=f"0{stat.S_IMODE(found.st_mode):o}", size=found.st_size, state=kind)
        return answer

    add_atomic_info = add_path_info


@contextlib.contextmanager
def _umask(mask: Optional[int]) -> Any:
    old = os.umask(mask) if mask is not None else None
    try:
        yield
    finally:
        if old is not None:
            os.umask(old)
