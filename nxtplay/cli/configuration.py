"""What configuration files and the environment say, each value with the place it comes from.

One file counts, the first there is of: $NXTPLAY_CONFIG, $ANSIBLE_CONFIG, ./nxtplay.cfg, ./ansible.cfg, ~/.nxtplay.cfg, ~/.ansible.cfg,
/etc/nxtplay/nxtplay.cfg, /etc/ansible/ansible.cfg. Variables of the environment are stronger, the command line is strongest.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nxtplay.cli.settings import _NO, _YES, ABSENT, ADDITIONS, FORMS, HARMLESS, SETTINGS, Absent, Setting
from nxtplay.errors import Diagnostic, Span, UsageError, did_you_mean

FOLDERS = ((".", ""), ("~", "."), ("/etc", ""))
PREFIXES = ("NXTPLAY_", "ANSIBLE_")


@dataclass(frozen=True)
class Found:
    """A value, and where it was said."""

    value: Any
    where: Span


@dataclass(frozen=True)
class Config:
    """`file`: the one that was read, empty for none. Settings that nobody gave are not among the values."""

    file: str = ""
    values: Mapping[str, Found] = field(default_factory=dict)
    warnings: tuple[Diagnostic, ...] = ()

    def get(self, name: str, default: Any = None) -> Any:
        assert name in SETTINGS, name
        found = self.values.get(name)
        return default if found is None else found.value


def read(environ: Mapping[str, str]) -> Config:
    """What counts here and now. Raises UsageError for what cannot be read."""
    warnings: list[Diagnostic] = []
    path = _path(environ, warnings)
    file = _File.read(path) if path else _File()
    values = {}
    for setting in SETTINGS.values():
        found = _given(setting, file, environ)
        if found is not None:
            values[setting.name] = found
    warnings += _absent(file, environ)
    warnings += _unknown(file)
    warnings += _untold(values)
    return Config(path, values, tuple(warnings))


def _path(environ: Mapping[str, str], warnings: list[Diagnostic]) -> str:
    for name in ("NXTPLAY_CONFIG", "ANSIBLE_CONFIG"):
        if environ.get(name):
            path = os.path.expanduser(environ[name])
            path = os.path.join(path, f"{name.split('_')[0].lower()}.cfg") if os.path.isdir(path) else path
            if os.path.exists(path):
                return path
            raise UsageError(Diagnostic(f"${name}: there is no file {path}"))
    for folder, dot in FOLDERS:
        for program in ("nxtplay", "ansible"):
            place = f"/etc/{program}" if folder == "/etc" else os.path.expanduser(folder)
            path = os.path.normpath(os.path.join(place, f"{dot}{program}.cfg"))
            if not os.path.isfile(path):
                continue
            if folder == "." and os.stat(place).st_mode & stat.S_IWOTH:
                message = f"{path} is not read, as anybody may write to its folder"
                warnings.append(Diagnostic(message, Span(path), f"chmod o-w .  or name it in ${program.upper()}_CONFIG", "warning"))
                continue
            return path
    return ""


@dataclass(frozen=True)
class _File:
    """A file's texts by `section.key`, each with its place."""

    path: str = ""
    texts: Mapping[str, Found] = field(default_factory=dict)

    @classmethod
    def read(cls, path: str) -> _File:
        import configparser

        try:
            with open(path, encoding="utf-8-sig") as stream:
                text = stream.read()
            parser = configparser.RawConfigParser(inline_comment_prefixes=(";",))
            parser.read_string(text, path)
        except UnicodeDecodeError as error:
            raise UsageError(Diagnostic("a configuration file is UTF-8 text; this one is not", Span(path))) from error
        except OSError as error:
            raise UsageError(Diagnostic(f"cannot read {path}: {error.strerror}")) from error
        except configparser.Error as error:
            line = getattr(error, "lineno", None) or next((n for n, _ in getattr(error, "errors", ())), 1)
            message = str(error).split("\n", 1)[0].replace(f" {path!r}", "")
            raise UsageError(Diagnostic(message, Span(path, line, 1), "write [section] lines and  key = value")) from error
        lines = _lines(text)
        if "\0" in text:
            line = text[: text.index("\0")].count("\n") + 1
            raise UsageError(Diagnostic("a control character (NUL) stands in a configuration file", Span(path, line, 1)))
        texts = {}
        for section in parser.sections():
            for key, value in parser.items(section):
                texts[f"{section}.{key}"] = Found(value, Span(path, lines.get((section, key), 1), 1))
        return cls(path, texts)


def _lines(text: str) -> dict[tuple[str, str], int]:
    """The line of each (section, key)."""
    found: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(text.split("\n"), 1):
        if header := re.match(r"\[([^]]+)\]", line):
            section = header[1]
        elif key := re.match(r"([^\s#;=:][^=:]*?)\s*[=:]", line):
            found.setdefault((section, key[1].lower()), number)
    return found


def _given(setting: Setting, file: _File, environ: Mapping[str, str]) -> Found | None:
    """What a setting is by the environment, else by the file; said and empty is not said."""
    for name in setting.environ:
        for prefix in PREFIXES:
            if environ.get(prefix + name, "").strip():
                where = Span(f"${prefix}{name}")
                return Found(_value(setting, environ[prefix + name], where, os.getcwd()), where)
    for key in setting.keys:
        found = file.texts.get(key)
        if found is not None and found.value.strip():
            return Found(_value(setting, found.value, found.where, os.path.dirname(os.path.abspath(file.path))), found.where)
    return None


def _value(setting: Setting, text: str, where: Span, folder: str) -> Any:
    """The value a text means; paths are relative to `folder`."""
    text, kind = _unquoted(text.strip()), setting.kind
    if kind == "flag":
        if text.lower() not in (*_YES, *_NO):
            raise _wrong(setting, text, where, "true or false")
        return text.lower() in _YES
    if kind == "number":
        if not re.fullmatch(r"\d+", text):
            raise _wrong(setting, text, where, "a number")
        return int(text)
    if kind == "path":
        return _in(folder, text)
    if kind == "paths":
        return tuple(_in(folder, one) for one in text.split(":") if one)
    if kind == "words":
        return tuple(one.strip() for one in text.split(",") if one.strip())
    if kind == "sources":
        parts = [_in(folder, one.strip()) for one in text.split(",") if one.strip()]
        return tuple(parts) if "," not in text or any(map(os.path.exists, parts)) else (text,)  # host1,host2,
    if kind != "text" and text not in kind.split():
        raise _wrong(setting, text, where, ", ".join(kind.split()))
    return text


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _in(folder: str, path: str) -> str:
    path = path.replace("{{CWD}}", os.getcwd()).replace("{{ CWD }}", os.getcwd())
    return os.path.normpath(os.path.join(folder, os.path.expandvars(os.path.expanduser(path))))


def _wrong(setting: Setting, text: str, where: Span, expected: str) -> UsageError:
    return UsageError(Diagnostic(f"{setting.name} is '{text}', expected {expected}", where))


# options of commands, by their parameter's name
OPTIONS = {
    "inventories": "inventory", "user": "remote_user", "connection": "transport", "timeout": "timeout", "private_key": "private_key_file",
    "ssh_common_args": "ssh_common_args", "ssh_extra_args": "ssh_extra_args", "ask_password": "ask_pass",
    "password_file": "connection_password_file", "become": "become", "become_user": "become_user", "become_method": "become_method",
    "ask_become_password": "become_ask_pass", "become_password_file": "become_password_file", "ask_vault_password": "ask_vault_pass",
    "forks": "forks", "task_timeout": "task_timeout", "tags": "tags_run", "skip_tags": "tags_skip", "diff": "diff_always",
    "verbosity": "verbosity", "playbook_dir": "playbook_dir", "force_handlers": "force_handlers",
}  # fmt: skip


def defaults(config: Config) -> dict[str, Any]:
    """What options are where the command line does not say: click's default map."""
    return {option: config.values[name].value for option, name in OPTIONS.items() if name in config.values}


# -- what has no effect


def _absent(file: _File, environ: Mapping[str, str]) -> Iterator[Diagnostic]:
    """A warning for each setting that nxtplay does not have and that asks for something else than what happens here."""
    for one in ABSENT:
        places = [(one.key, file.texts.get(one.key))]
        places += [
            (f"${prefix}{one.environ}", Found(environ[prefix + one.environ], Span(f"${prefix}{one.environ}")))
            for prefix in PREFIXES
            if prefix + one.environ in environ
        ]
        for name, found in places:
            if found is not None and not _same(one, str(found.value).strip()):
                yield Diagnostic(f"'{name.rpartition('.')[2]}' has no effect: {one.what}", found.where, "", "warning")


def _same(one: Absent, text: str) -> bool:
    if one.same == ("plugins",):
        return not any(map(_holds_plugins, text.split(":")))
    return text.lower() in one.same


def _holds_plugins(folder: str) -> bool:
    try:
        return any(name.endswith(".py") for name in os.listdir(os.path.expanduser(folder)))
    except OSError:
        return False


def _untold(values: Mapping[str, Found]) -> Iterator[Diagnostic]:
    """A warning for each form of a report that is not here; `nxtplay.` names our own."""
    form, more = values.get("stdout_callback"), values.get("callbacks_enabled")
    if form and short(form.value) not in (*FORMS, "nxtplay"):
        hint = f"there are {', '.join(FORMS)}; --json tells each event as it comes"
        yield Diagnostic(f"stdout_callback '{form.value}' is not here, the run is told in our own form", form.where, hint, "warning")
    for name in more.value if more else ():
        if short(name) not in ADDITIONS:
            hint = f"there are {', '.join(ADDITIONS)}; --html writes a page"
            yield Diagnostic(f"callbacks_enabled '{name}' is not here", more.where if more else Span(""), hint, "warning")


def short(name: str) -> str:
    """`ansible.posix.timer` as `timer`."""
    return name.rpartition(".")[2]


def _unknown(file: _File) -> Iterator[Diagnostic]:
    """Keys that nobody knows, which are most likely misspelt; of sections that belong to plugins nothing is known."""
    own = os.path.basename(file.path).lstrip(".") == "nxtplay.cfg"
    known = {key for setting in SETTINGS.values() for key in setting.keys} | {one.key for one in ABSENT}
    known |= {f"{section}.{key}" for section, keys in HARMLESS.items() for key in keys}
    sections = {key.partition(".")[0] for key in known}
    for key, found in file.texts.items():
        section, _, name = key.partition(".")
        if key in known or (section not in sections and not own):
            continue
        others = sorted({one.partition(".")[0] for one in known if one.partition(".")[2] == name})
        near = [one.partition(".")[2] for one in known if one.startswith(section + ".")]
        hint = f"it belongs into [{others[0]}]" if others else did_you_mean(name, near)
        diagnostic = Diagnostic(f"'{name}' is no setting of [{section}]", found.where, hint, "error" if own else "warning")
        if own:
            raise UsageError(diagnostic)
        yield diagnostic
