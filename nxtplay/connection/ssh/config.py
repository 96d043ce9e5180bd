"""What ssh_config(5) says of a host: Host and Match blocks, Include, tokens; the first value of a keyword wins."""

from __future__ import annotations

import fnmatch
import getpass
import glob
import os
import re
import shlex
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from nxtplay.errors import Diagnostic, Span, UsageError

SYSTEM = "/etc/ssh/ssh_config"
_MANY = ("identityfile", "certificatefile", "sendenv", "setenv")  # collected from all blocks
_DEPTH = 16


@dataclass(frozen=True)
class Block:
    """A Host or Match line; its place tells it from others."""

    kind: str
    words: tuple[str, ...]
    file: str
    line: int


@dataclass(frozen=True)
class Line:
    """One keyword (lower case) with its words, inside the blocks that lead to it, all of which must hold."""

    keyword: str
    words: tuple[str, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Settings:
    """What is known of how to reach one host. Paths are expanded, tokens replaced."""

    name: str  # as asked for
    hostname: str
    port: int
    user: str
    values: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)

    def first(self, keyword: str, default: str = "") -> str:
        """The first word of a keyword."""
        found = self.values.get(keyword)
        return found[0][0] if found and found[0] else default

    def line(self, keyword: str) -> str:
        """All words of a keyword as one text."""
        found = self.values.get(keyword)
        return " ".join(found[0]) if found else ""

    def flag(self, keyword: str) -> bool:
        return self.first(keyword).lower() in ("yes", "true", "on")

    def seconds(self, keyword: str) -> float | None:
        """A duration; None when it is not given or not a number."""
        matched = re.fullmatch(r"(\d+)([smh]?)", self.first(keyword).lower())
        return float(matched[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[matched[2]] if matched else None

    def paths(self, keyword: str) -> list[str]:
        """All the paths of a keyword, tokens and ~ expanded; `none` means none at all."""
        found = [word for words in self.values.get(keyword, ()) for word in words]
        return [] if any(word.lower() == "none" for word in found) else [self.expand(word) for word in found]

    def expand(self, text: str) -> str:
        """Percent tokens, ~ and ${VARIABLE}, as the client expands them in paths and commands."""
        home = os.path.expanduser("~")
        tokens = {
            "%": "%",
            "h": self.hostname,
            "n": self.name,
            "p": str(self.port),
            "r": self.user,
            "u": _login(),
            "d": home,
            "l": socket.gethostname(),
            "L": socket.gethostname().partition(".")[0],
            "i": str(os.getuid()),
            "k": self.first("hostkeyalias") or self.name,
            "j": self.first("proxyjump"),
        }
        text = re.sub(r"%(.)", lambda m: tokens.get(m[1], m[0]), text)
        text = re.sub(r"\$\{(\w+)\}", lambda m: os.environ.get(m[1], ""), text)
        return home + text[1:] if text == "~" or text.startswith("~/") else text


def resolve(
    name: str,
    *,
    given: Sequence[tuple[str, str]] = (),
    files: Sequence[str] | None = None,
    user: str | None = None,
    port: int | None = None,
) -> Settings:
    """The settings of a host. `given` are -o options, before all files; user and port as the caller wants them, before those."""
    lines = [Line(keyword.lower(), tuple(_words(value)), ()) for keyword, value in given]
    for path in user_files() if files is None else files:
        lines += read(path)
    values: dict[str, tuple[tuple[str, ...], ...]] = {}
    if user:
        values["user"] = ((user,),)
    held: dict[Block, bool] = {}  # decided where a block begins; what it sets itself does not count

    def holds(block: Block) -> bool:
        if block not in held:
            held[block] = _holds(block, name, values)
        return held[block]

    for line in lines:
        if all(holds(block) for block in line.blocks) and (line.keyword not in values or line.keyword in _MANY):
            values[line.keyword] = (*values.get(line.keyword, ()), line.words)
    login = values["user"][0][0] if values.get("user", ((),))[0] else _login()
    number = port or _port(values.get("port", (("22",),)))
    found = Settings(name, name, number, login, values)
    return Settings(name, _hostname(found.first("hostname", "%h"), name).lower(), number, login, values)


def _hostname(text: str, name: str) -> str:
    return re.sub("%([hn%])", lambda m: "%" if m[1] == "%" else name, text)


def user_files() -> list[str]:
    return [os.path.expanduser("~/.ssh/config"), SYSTEM]


@cache
def read(path: str) -> tuple[Line, ...]:
    """The lines of a configuration file and of what it includes; a file that is not there has none."""
    return tuple(_read(path, (), 0))


def _read(path: str, outer: tuple[Block, ...], depth: int) -> list[Line]:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            texts = stream.read().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if depth > _DEPTH:
        raise UsageError(f"{path}: files include each other more than {_DEPTH} deep")
    out: list[Line] = []
    blocks = outer
    for number, text in enumerate(texts, 1):
        text = text.strip()
        if not text or text.startswith("#"):
            continue
        matched = re.match(r"(\w+)(?:\s*=\s*|\s+)(.*)$", text)
        if not matched:
            raise UsageError(Diagnostic(f"no keyword and value: {text}", Span(path, number)))
        keyword = matched[1].lower()
        try:
            words = tuple(_words(matched[2]) if keyword not in ("proxycommand", "localcommand", "remotecommand") else [matched[2]])
        except ValueError as error:
            raise UsageError(Diagnostic(f"{matched[1]}: {error}", Span(path, number))) from error
        if keyword in ("host", "match"):
            blocks = (*outer, Block(keyword, words, path, number))
        elif keyword == "include":
            base = os.path.dirname(SYSTEM) if path.startswith("/etc/") else os.path.expanduser("~/.ssh")
            for word in words:
                for found in sorted(glob.glob(os.path.join(base, os.path.expanduser(word)))):
                    out += _read(found, blocks, depth + 1)
        else:
            out.append(Line(keyword, words, blocks))
    return out


def _words(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    lexer.escape = ""
    lexer.quotes = '"'
    return list(lexer)


def _port(words: tuple[tuple[str, ...], ...]) -> int:
    text = words[0][0] if words[0] else ""
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise UsageError(f"the SSH configuration's Port is '{text}', expected a number up to 65535")
    return int(text)


def _holds(block: Block, name: str, values: Mapping[str, tuple[tuple[str, ...], ...]]) -> bool:
    return matches(name, block.words) if block.kind == "host" else _match_holds(list(block.words), name, values)


def matches(text: str, patterns: Sequence[str]) -> bool:
    """ssh's own patterns: * and ?, a leading ! refuses. Capitals count."""
    found = False
    for pattern in patterns:
        if pattern.startswith("!"):
            if fnmatch.fnmatchcase(text, _pattern(pattern[1:])):
                return False
        else:
            found = found or fnmatch.fnmatchcase(text, _pattern(pattern))
    return found


def _pattern(text: str) -> str:
    return text.replace("[", "[[]")  # brackets are no set here


def _match_holds(words: list[str], name: str, values: Mapping[str, tuple[tuple[str, ...], ...]]) -> bool:
    """A Match line: all, host, originalhost, user, localuser, exec; `canonical` and `final` passes do not exist here."""

    def value(keyword: str, default: str) -> str:
        found = values.get(keyword)
        return found[0][0] if found and found[0] else default

    at = 0
    while at < len(words):
        word = words[at].lower()
        wanted = not word.startswith("!")
        word = word.lstrip("!")
        at += 1
        if word == "all":
            held = True
        elif word in ("canonical", "final"):
            held = False
        else:
            argument = words[at] if at < len(words) else ""
            at += 1
            if word == "exec":
                held = _succeeds(argument, name)
            elif word in ("host", "originalhost", "user", "localuser"):
                subject = {
                    "host": _hostname(value("hostname", "%h"), name),
                    "originalhost": name,
                    "user": value("user", _login()),
                    "localuser": _login(),
                }[word]
                if word.endswith("host"):  # here capitals do not count
                    subject, argument = subject.lower(), argument.lower()
                held = matches(subject, argument.split(","))
            else:
                held = False
        if held != wanted:
            return False
    return True


def _succeeds(command: str, name: str) -> bool:
    import subprocess

    try:
        done = subprocess.run(
            ["/bin/sh", "-c", command.replace("%h", shlex.quote(name)).replace("%n", shlex.quote(name)).replace("%%", "%")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=10,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


@cache
def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "root"
