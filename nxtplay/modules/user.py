"""user: an account of the host."""

from __future__ import annotations

import dataclasses
import os
import re
import time
from dataclasses import dataclass
from typing import Any, Literal, Mapping, Optional, Union

from nxtplay.core.files import FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Secret, Unknown
from nxtplay.core.types import Mode, Path
from nxtplay.modules import _accounts, _files

AGING = {"min": 3, "max": 4, "warn": 5, "account_disable": 6}  # days: the end of the argument, the field in shadow
_HASH = re.compile(r"[!*x]*|[!*]*(\$[0-9a-z]+\$[-./0-9A-Za-z$,=]+|[./0-9A-Za-z]{13})")  # or no password at all


@dataclass(frozen=True)
class _User:
    """An account. `password` is the hash in shadow (None: may not be looked at)."""

    uid: Union[int, Unknown]
    gid: Union[int, Unknown]
    comment: str
    home: str
    shell: str
    groups: tuple[str, ...]
    password: Union[str, Unknown, None]
    expires: Optional[str]  # days since 1970 as shadow writes them, "" for never
    home_there: bool
    ssh_key: Union[str, Unknown, None] = None  # the public key, where one is asked for
    has_ssh_key: bool = False  # a private key lies where one is asked for
    aging: Optional[dict[str, Union[str, Unknown]]] = None  # the days of AGING that are asked for, as shadow writes them


class User(Resource[_User]):
    """Have an account there, as described, or not."""

    name: str = arg(help="The account.", aliases=["user"], key=True)
    state: Literal["present", "absent"] = arg("present", help="Whether it exists.")
    uid: int | None = arg(None, help="Its number.")
    group: str | None = arg(None, help="Its primary group.")
    groups: list[str] | None = arg(None, help="Further groups; without append it leaves all others.")
    append: bool = arg(False, help="groups are joined; none is left.")
    comment: str | None = arg(None, help="Full name or remark.")
    home: Path | None = arg(None, help="Home directory.")
    create_home: bool = arg(True, help="Make the home directory.", aliases=["createhome"])
    move_home: bool = arg(False, help="Move the old home directory when home changes.")
    skeleton: str | None = arg(None, help="Directory whose files a new home gets.")
    shell: Path | None = arg(None, help="Login shell.")
    password: str | None = arg(None, help="The password's hash, as shadow holds it.", secret=True)
    password_lock: bool | None = arg(None, help="Lock the password.")
    update_password: Literal["always", "on_create"] = arg("always", help="When the password is set.")
    system: bool = arg(False, help="A system account, when it is made.")
    expires: float | None = arg(None, help="When the account expires, in seconds since 1970; -1 for never.")
    remove: bool = arg(False, help="With absent: its home and mail go too.")
    force: bool = arg(
        False, help="With absent: even when it is logged in or others use its home. With generate_ssh_key: over a key that is there."
    )
    non_unique: bool = arg(False, help="The number may belong to another account too.")
    generate_ssh_key: bool = arg(False, help="Make an SSH key, where there is none.")
    ssh_key_type: str = arg("rsa", help="Its type.")
    ssh_key_bits: int | None = arg(None, help="Its bits.")
    ssh_key_file: Path | None = arg(None, help="Where it is kept, below home.")
    ssh_key_comment: str | None = arg(None, help="Its remark.")
    ssh_key_passphrase: str | None = arg(None, help="Its passphrase.", secret=True)
    umask: Mode | None = arg(None, help="umask for the home directory.")
    seuser: str | None = arg(None, help="SELinux user; of no effect where SELinux is off.")
    local: bool = arg(False, help="Only /etc/passwd; of no effect here: it always is.")
    hidden: bool | None = arg(None, help="For macOS; of no effect.")
    profile: str | None = arg(None, help="For SunOS; of no effect.")
    authorization: str | None = arg(None, help="For SunOS; of no effect.")
    role: str | None = arg(None, help="For SunOS; of no effect.")
    login_class: str | None = arg(None, help="For BSD; of no effect.")
    uid_min: int | None = arg(None, help="Lowest number to choose.")
    uid_max: int | None = arg(None, help="Highest number to choose.")
    password_expire_max: int | None = arg(None, help="Days until the password has to change.")
    password_expire_min: int | None = arg(None, help="Days before the password may change.")
    password_expire_warn: int | None = arg(None, help="Days of warning before it has to change.")
    password_expire_account_disable: int | None = arg(None, help="Days after that until the account is closed.")

    @classmethod
    def removed_account(cls, args: Mapping[str, Any]) -> str:
        return str(args.get("name", args.get("user", ""))) if args.get("state") == "absent" else ""

    def observe(self, host: Reader) -> Optional[_User]:
        import grp
        import pwd

        if host.has_foreseen(self.key()):
            state = host.foreseen(self.key())
            assert state is None or isinstance(state, _User)
            return state
        try:
            entry = pwd.getpwnam(self.name)
        except KeyError:
            return None
        groups = tuple(sorted(g.gr_name for g in grp.getgrall() if self.name in g.gr_mem and g.gr_gid != entry.pw_gid))
        public_key = self._public_key(host, entry.pw_dir)
        return _User(
            entry.pw_uid, entry.pw_gid, entry.pw_gecos, entry.pw_dir, entry.pw_shell, groups,
            _secret(_accounts.field("/etc/shadow", self.name, 1)), _accounts.field("/etc/shadow", self.name, 7), host.is_dir(entry.pw_dir),
            public_key, self.generate_ssh_key and host.exists(self._key_path(entry.pw_dir)),
            {name: _accounts.field("/etc/shadow", self.name, AGING[name]) or "" for name in self._aging()},
        )  # fmt: skip

    def desired(self, host: Reader, before: Optional[_User]) -> Optional[_User]:
        if self.state == "absent":
            if before is not None:
                _accounts.need_root(host)
            return None
        if self.local and (self.uid_min is not None or self.uid_max is not None):
            raise Failed("uid_min and uid_max are of no use with local: they are for numbers that the system chooses")
        if self.local and self.umask is not None:
            raise Failed("umask is of no use with local: no home is made then")
        later = Unknown(f"the account {self.name} is made by the run")
        base = before or self._new(host, later)
        home = base.home if self.home is None else _files.host_path(self.home)
        there = base.home_there if home == base.home else host.is_dir(home) or (base.home_there and self.move_home)
        after = dataclasses.replace(
            base,
            uid=base.uid if self.uid is None else self.uid,
            gid=base.gid if self.group is None else _files.gid_of(host, self.group),
            comment=base.comment if self.comment is None else self.comment,
            home=home,
            shell=base.shell if self.shell is None else self._shell(),
            groups=self._groups(host, base),
            password=self._password(base, new=before is None),
            expires=base.expires if self.expires is None else _days(self.expires),
            home_there=self.create_home or there,
            ssh_key=base.ssh_key if not self.generate_ssh_key or base.has_ssh_key else Unknown("the SSH key is made by the run"),
            has_ssh_key=base.has_ssh_key or self.generate_ssh_key,
            aging={**(base.aging or {}), **self._aging()},
        )
        if self.generate_ssh_key and not base.has_ssh_key and not self.force and host.exists(self._key_path(home) + ".pub"):
            raise Failed(f"{self._key_path(home)}.pub is there without its private key; force: true puts a new pair in its place")
        if before is None or after is not before:
            self._root_where_needed(host, before, after)
        return after

    def _new(self, host: Reader, later: Unknown) -> _User:
        """An account as useradd would make it."""
        shell = _accounts_default("SHELL") or "/bin/sh"
        home = os.path.join(_accounts_default("HOME") or "/home", self.name)
        return _User(later, later, "", home, shell, (), later, "", False)

    def _aging(self) -> dict[str, str]:
        """The days that are asked for; below zero there is no limit."""
        given = {name: getattr(self, f"password_expire_{name}") for name in AGING}
        return {name: str(days) if days >= 0 else "" for name, days in given.items() if days is not None}

    def _groups(self, host: Reader, base: _User) -> tuple[str, ...]:
        if self.groups is None:
            return base.groups
        wanted = [g for g in self.groups if g]
        numbers = {g: _files.gid_of(host, g) for g in wanted}
        names = {
            _files.group_name(numbers[g]) if g.isdigit() else g
            for g in wanted
            if isinstance(numbers[g], Unknown) or numbers[g] is not base.gid
        }
        return tuple(sorted({*names, *(base.groups if self.append else ())} - {self.group or ""}))

    def _password(self, base: _User, *, new: bool) -> Union[str, Unknown, None]:
        """The hash as it shall be in shadow, with the lock in front of it where it is locked."""
        held = base.password if isinstance(base.password, str) else None
        bare = held.lstrip("!") if held is not None else ""
        if self.password is not None and (new or self.update_password == "always"):
            bare = str(self.password)
        elif new:
            return base.password if self.password_lock is None else Secret("!")
        elif held is None:
            return base.password
        if self.password_lock is None:
            locked = held is not None and held.startswith("!") and bare == held.lstrip("!")
        else:
            locked = self.password_lock
        return Secret(("!" if locked and not bare.startswith("!") else "") + bare)

    def _root_where_needed(self, host: Reader, before: Optional[_User], after: _User) -> None:
        from nxtplay.core.state import diff

        if diff(before, after):
            _accounts.need_root(host)

    # -- doing

    def apply(self, host: Host, plan: Plan[_User]) -> None:
        if plan.after is None:
            words = [*(["-f"] if self.force else []), *(["-r"] if self.remove else []), self.name]
            program = host.which("userdel")
            done = host.run([program or "userdel", *words])
            if done.rc not in (0, 12):  # 12: the home could not be removed, the account is gone
                raise Failed(f"userdel failed: {done.stderr.strip()}", rc=done.rc)
            return
        if plan.before is None:
            self._add(host, plan.after)
        else:
            self._modify(host, plan)
        self._set_password(host, plan)
        self._set_aging(host, plan)
        if plan.before is not None and plan.after.home_there and not os.path.isdir(plan.after.home):
            self._make_home(host, plan.after)
        if self.generate_ssh_key and plan.changed("has_ssh_key"):
            self._make_key(host)

    def due(self, host: Reader, plan: Plan[_User]) -> Optional[str]:
        again = self.force and self.generate_ssh_key and plan.before is not None and plan.before.has_ssh_key
        return "makes a new SSH key" if again and self.state == "present" else None

    def perform(self, host: Host, plan: Plan[_User]) -> None:
        self._make_key(host)

    def _common(self, plan_changed: Any, after: _User) -> list[str]:
        words: list[str] = []
        if self.uid is not None and plan_changed("uid"):
            words += ["-u", str(self.uid), *(["-o"] if self.non_unique else [])]
        if self.group is not None and plan_changed("gid"):
            words += ["-g", self.group]
        if plan_changed("groups") and self.groups is not None:
            words += ["-G", ",".join(after.groups)]
        if plan_changed("comment") and self.comment is not None:
            words += ["-c", self.comment]
        if plan_changed("shell") and self.shell is not None:
            words += ["-s", self._shell()]
        if plan_changed("expires") and self.expires is not None:
            words += ["-e", "" if not after.expires else time.strftime("%Y-%m-%d", time.gmtime(int(after.expires) * 86400))]
        return words

    def _add(self, host: Host, after: _User) -> None:
        words = ["useradd", *self._common(lambda _: True, after)]
        if self.group is None:
            words += ["-g", self.name] if _has_group(self.name) else ["-U"]
        if self.home is not None:
            words += ["-d", after.home]
        words += ["-m"] if self.create_home else ["-M"]
        words += ["-k", self.skeleton] if self.skeleton and self.create_home else []
        words += ["-r"] if self.system else []
        for name, value in (("UID_MIN", self.uid_min), ("UID_MAX", self.uid_max), ("UMASK", self.umask)):
            words += ["-K", f"{name}={value}"] if value is not None else []
        _accounts.change(host, [*words, self.name])

    def _modify(self, host: Host, plan: Plan[_User]) -> None:
        assert plan.after is not None
        words = self._common(lambda name: plan.changed(name), plan.after)
        if plan.changed("home"):
            words += ["-d", plan.after.home, *(["-m"] if self.move_home else [])]
        if words:
            _accounts.change(host, ["usermod", *words, self.name])

    def _set_password(self, host: Host, plan: Plan[_User]) -> None:
        """By chpasswd from stdin: a hash on a command line could be read by everybody."""
        after = plan.after
        if after is None or not isinstance(after.password, str) or not plan.changed("password"):
            return
        if after.password == "!" and plan.before is None:
            return  # a new account has no password yet
        _accounts.change(host, ["chpasswd", "-e"], stdin=f"{self.name}:{str.__str__(after.password)}\n".encode())

    def _set_aging(self, host: Host, plan: Plan[_User]) -> None:
        letters = {"min": "-m", "max": "-M", "warn": "-W", "account_disable": "-I"}
        held = (plan.before.aging or {}) if plan.before is not None else {}
        words = [word for name, days in self._aging().items() if held.get(name) != days for word in (letters[name], days or "-1")]
        if words:
            _accounts.change(host, ["chage", *words, self.name])

    def _make_home(self, host: Host, after: _User) -> None:
        import shutil

        skeleton = self.skeleton or "/etc/skel"
        os.makedirs(os.path.dirname(after.home), exist_ok=True)
        if os.path.isdir(skeleton):
            shutil.copytree(skeleton, after.home, symlinks=True)
        else:
            os.makedirs(after.home)
        for directory, folders, names in os.walk(after.home):
            for path in (directory, *(os.path.join(directory, n) for n in (*folders, *names))):
                os.lchown(path, _number(after.uid), _number(after.gid))
        os.chmod(after.home, 0o777 & ~int(self.umask, 8) if self.umask else 0o755)

    def _shell(self) -> str:
        """As it is written in the account: `~` expanded, nothing else touched."""
        return _files.expanded(str(self.shell))

    def _key_path(self, home: str) -> str:
        return os.path.join(home, self.ssh_key_file or f".ssh/id_{self.ssh_key_type}")

    def _public_key(self, host: Reader, home: str) -> Optional[str]:
        if not self.generate_ssh_key or not host.exists(self._key_path(home) + ".pub"):
            return None
        return host.read(self._key_path(home) + ".pub").decode("utf-8", "replace").strip()

    def _make_key(self, host: Host) -> None:
        import pwd

        entry = pwd.getpwnam(self.name)
        path = self._key_path(entry.pw_dir)
        directory = os.path.dirname(path)
        if not os.path.isdir(directory):
            os.makedirs(directory, 0o700)
            os.chown(directory, entry.pw_uid, entry.pw_gid)
        comment = self.ssh_key_comment or f"ansible-generated on {os.uname().nodename}"
        for old in (path, path + ".pub"):  # only with force is anything there
            host.remove(old)
        words = ["ssh-keygen", "-q", "-t", self.ssh_key_type, "-C", comment, "-f", path, "-N", str.__str__(self.ssh_key_passphrase or "")]
        _accounts.change(host, [*words, *(["-b", str(self.ssh_key_bits)] if self.ssh_key_bits else [])])
        for made in (path, path + ".pub"):
            os.chown(made, entry.pw_uid, entry.pw_gid)

    def also_foresee(self, host: Reader, plan: Plan[_User]) -> list[tuple[str, Any]]:
        """The home that comes along, its content unknown (the skeleton's), and the group of the account's name."""
        after = plan.after
        out: list[tuple[str, Any]] = []
        if after is None:
            if self.remove and plan.before is not None:
                out.append((f"file:{plan.before.home}", None))
            if plan.before is not None and self._group_goes(host, plan.before):
                out.append((f"group:{self.name}", None))
            return out
        if after.home_there and not (plan.before is not None and plan.before.home_there):
            later = Unknown(f"{after.home} is made from the skeleton")
            state = FileState("directory", mode=later, uid=after.uid, gid=after.gid, content=later, path=after.home)
            out.append((f"file:{after.home}", state))
        if plan.before is None and self.group is None and not _has_group(self.name):
            out.append((f"group:{self.name}", _accounts.GroupState(after.gid)))
        return out

    def _group_goes(self, host: Reader, before: _User) -> bool:
        """Whether userdel takes the group of the account's name along: its own group, with nobody else in it."""
        import grp
        import pwd

        if not _accounts.own_groups():
            return False
        if host.has_foreseen(f"group:{self.name}"):
            made = host.foreseen(f"group:{self.name}")
            return isinstance(made, _accounts.GroupState) and (made.gid is before.gid or _same(made.gid, before.gid))
        try:
            entry = grp.getgrnam(self.name)
        except KeyError:
            return False
        if not _same(entry.gr_gid, before.gid) or set(entry.gr_mem) - {self.name}:
            return False
        return self.force or not any(p.pw_gid == entry.gr_gid and p.pw_name != self.name for p in pwd.getpwall())

    def result(self, before: Optional[_User], after: Optional[_User]) -> dict[str, Any]:
        out: dict[str, Any] = {"name": self.name, "state": self.state}
        if after is None:
            return {**out, "remove": self.remove, "force": self.force}
        out.update(uid=after.uid, group=after.gid, comment=after.comment, home=after.home, shell=after.shell, append=self.append)
        out["create_home"], out["system"] = self.create_home, self.system
        if before is not None:
            out["move_home"] = self.move_home
        if self.password is not None:
            out["password"] = "NOT_LOGGING_PASSWORD"
        if self.groups is not None:
            out["groups"] = ",".join(self.groups)
        if self.generate_ssh_key:
            out.update(ssh_public_key=after.ssh_key, ssh_key_file=self._key_path(after.home))
        warnings = self._warnings()
        if warnings:
            out["warnings"] = warnings
        return out

    def _warnings(self) -> list[str]:
        """What was asked for and helps nobody."""
        out = []
        if self.password is not None and not _HASH.fullmatch(str.__str__(self.password)):
            out.append("password does not look like a hash, so nobody can log in with it; the filter password_hash makes one")
        if self.append and not self.groups:
            out.append("append is of no use without groups to join")
        return out


def _secret(text: Optional[str]) -> Optional[str]:
    return None if text is None else Secret(text)


def _days(seconds: float) -> str:
    return "" if seconds < 0 else str(int(seconds // 86400))


def _number(value: Union[int, Unknown]) -> int:
    assert isinstance(value, int)
    return value


def _same(one: Union[int, Unknown], other: Union[int, Unknown]) -> bool:
    return isinstance(one, int) and isinstance(other, int) and one == other


def _has_group(name: str) -> bool:
    import grp

    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def _accounts_default(name: str) -> str:
    """A default of useradd."""
    try:
        with open("/etc/default/useradd") as stream:
            return next((line.split("=", 1)[1].strip() for line in stream if line.startswith(name + "=")), "")
    except OSError:
        return ""
