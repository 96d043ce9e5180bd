"""Lookups that read files, commands and addresses of the controller."""

from __future__ import annotations

import csv
import glob
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nxtplay.core.state import Secret
from nxtplay.errors import Diagnostic, TemplateError, UndefinedVariable
from nxtplay.template.lazy import finish
from nxtplay.template.values import MISSING
from nxtplay.template.vaulttext import is_vault

if TYPE_CHECKING:
    from nxtplay.template.render import Values


def search_paths(asker: Values, folder: str, name: str) -> list[str]:
    """Where a file of this name may be, nearest first: in each place of `ansible_search_path` its `folder`, then the place itself."""
    name = os.path.expanduser(name)
    if os.path.isabs(name):
        return [name]
    places = asker.get("ansible_search_path")
    if places is MISSING:
        base = asker.get("playbook_dir")
        places = [os.getcwd() if base is MISSING else base]
    out: list[str] = []
    for place in places:
        for candidate in (os.path.join(str(place), folder, name), os.path.join(str(place), name)):
            if os.path.normpath(candidate) not in out:
                out.append(os.path.normpath(candidate))
    return out


def find_file(asker: Values, folder: str, name: str) -> str:
    """The first file there is; TemplateError with every place searched when there is none."""
    candidates = search_paths(asker, folder, name)
    for candidate in candidates:
        if os.path.exists(candidate):
            return candidate
    raise TemplateError(Diagnostic(f"there is no file '{name}'", hint="searched: " + ", ".join(candidates)))


def _read(asker: Values, path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        text = stream.read()
    return asker.templates.reveal(text) if is_vault(text) and text.startswith("$") else text


_WORD = re.compile(r"""(?:"[^"]*"|'[^']*'|\S)+""")


def _options(term: Any, names: Sequence[str], given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """`key name=value name=value` to the key and its options; the options given as keywords count first."""
    words: list[str] = []
    out: dict[str, Any] = dict(given)
    text = str(term)
    for word in _WORD.findall(text) if "'" in text or '"' in text else text.split(" "):
        name, equals, value = word.partition("=")
        if equals and name in names:
            out[name] = value[1:-1] if value[:1] in ("'", '"') and value[-1:] == value[:1] else value
        elif word:
            words.append(word)
    return " ".join(words), out


def file(asker: Values, terms: Any, lstrip: bool = False, rstrip: bool = True) -> list[Any]:
    out = []
    for term in terms:
        text = _read(asker, find_file(asker, "files", str(term)))
        plain = text.lstrip() if lstrip else text
        plain = plain.rstrip() if rstrip else plain
        out.append(Secret(plain) if isinstance(text, Secret) else plain)
    return out


def unvault(asker: Values, terms: Any) -> list[Any]:
    return [_read(asker, find_file(asker, "files", str(term))) for term in terms]


def template(
    asker: Values,
    terms: Any,
    template_vars: Mapping[str, Any] | None = None,
    convert_data: bool = True,
    jinja2_native: bool = False,
    **options: Any,
) -> list[Any]:
    from nxtplay.template.files import TemplateOptions, render_value

    out = []
    for term in terms:
        path = find_file(asker, "templates", str(term))
        values = asker.nested(template_vars) if template_vars else asker
        text = _read(asker, path)
        folders = [os.path.dirname(path), *search_paths(asker, "templates", "")]
        out.append(render_value(asker.templates, text, values, options=TemplateOptions(**options), file=path, search=folders))
    return out


def fileglob(asker: Values, terms: Any) -> list[Any]:
    out: list[Any] = []
    for term in terms:
        for pattern in search_paths(asker, "files", str(term)):
            found = sorted(path for path in glob.glob(pattern) if os.path.isfile(path))
            if found:
                out.extend(found)
                break
    return out


def first_found(asker: Values, terms: Any, files: Any = None, paths: Any = None, skip: bool = False, *, folder: str = "files") -> list[Any]:
    """The first file there is of those named; `skip` gives nothing where otherwise it is an error. `folder`: that of the module."""
    candidates: list[tuple[Any, Any]] = []
    for term in terms if isinstance(terms, (list, tuple)) else [terms]:
        for each in term if isinstance(term, (list, tuple)) else [term]:
            if isinstance(each, Mapping):
                candidates.append((each.get("files", []), each.get("paths", [])))
                skip = skip or bool(each.get("skip", False))
            else:
                candidates.append((each, paths or []))
    if files:
        candidates.append((files, paths or []))
    searched: list[str] = []
    for names, folders in candidates:
        for name in _words(names):
            for candidate in [os.path.join(folder, name) for folder in _words(folders, ":")] or [name]:
                for path in search_paths(asker, folder, candidate):
                    if os.path.exists(path):
                        return [path]
                    searched.append(path)
    if skip:
        return []
    raise TemplateError(Diagnostic("first_found: none of the files is there", hint="searched: " + ", ".join(dict.fromkeys(searched))))


def _words(value: Any, further: str = "") -> list[str]:
    """Names in one text or in a list of such, separated by commas, semicolons and what else may stand between them."""
    if isinstance(value, str):
        return [word for word in re.split(rf"[,;{further}]\s*", value) if word]
    return [word for item in value for word in _words(str(item), further)]


def lines(asker: Values, terms: Any) -> list[Any]:
    return [line for term in terms for line in _run(asker, str(term)).splitlines()]


def pipe(asker: Values, terms: Any) -> list[Any]:
    return [_run(asker, str(term)).rstrip() for term in terms]


def _run(asker: Values, command: str) -> str:
    base = asker.get("playbook_dir")
    done = subprocess.run(
        command, shell=True, stdin=subprocess.DEVNULL, capture_output=True, cwd=None if base is MISSING else str(base), check=False
    )
    if done.returncode:
        told = done.stderr.decode("utf-8", "replace").strip()[-300:]
        raise TemplateError(f"the command `{command}` on the controller ended with {done.returncode}" + (f": {told}" if told else ""))
    return done.stdout.decode("utf-8", "surrogateescape")


def url(
    asker: Values,
    terms: Any,
    split_lines: bool = True,
    timeout: Any = 10,
    headers: Mapping[str, Any] | None = None,
    username: str | None = None,
    password: str | None = None,
    validate_certs: bool = True,
    http_agent: str = "nxtplay",
    follow_redirects: Any = "urllib2",
    force: bool = False,
    use_proxy: bool = True,
    force_basic_auth: bool = False,
    use_netrc: bool = True,
    ca_path: str | None = None,
    unix_socket: str | None = None,
    ciphers: Any = (),
    unredirected_headers: Any = (),
) -> list[Any]:
    """What is at an address, asked for as the module `uri` asks."""
    from nxtplay.modules import _http

    sent = {str(name): str(value) for name, value in (headers or {}).items()} | ({"Cache-Control": "no-cache"} if force else {})
    out: list[Any] = []
    for term in terms:
        answer = _http.send(
            _http.Request(
                url=str(term), headers=sent, timeout=float(timeout), verify=_yes(validate_certs), ca_path=ca_path, agent=http_agent,
                redirects=_http.redirects(follow_redirects), user=username, password=password, basic=_yes(force_basic_auth),
                netrc=_yes(use_netrc), unix_socket=unix_socket, proxy=_yes(use_proxy), environ=asker.templates.environ,
                ciphers=tuple(ciphers or ()), unredirected=tuple(unredirected_headers or ()),
            )
        )  # fmt: skip
        if answer.status >= 400:
            raise TemplateError(f"{term} answered HTTP Error {answer.status}: {answer.reason}")
        text = answer.body.decode("utf-8", "surrogateescape")
        out.extend(text.splitlines()) if split_lines else out.append(text)
    return out


def ini(asker: Values, terms: Any, **given: Any) -> list[Any]:
    import configparser

    allowed = ("file", "section", "type", "re", "default", "encoding", "case_sensitive", "allow_no_value", "allow_none", "interpolation")
    out: list[Any] = []
    for term in terms:
        key, options = _options(term, allowed, given)
        parser = configparser.ConfigParser(
            allow_no_value=_yes(options.get("allow_no_value", options.get("allow_none"))),
            interpolation=configparser.BasicInterpolation() if _yes(options.get("interpolation", True)) else None,
        )
        if _yes(options.get("case_sensitive")):
            parser.optionxform = str  # type: ignore[assignment,method-assign]
        text = _read(asker, find_file(asker, "files", str(options.get("file", "ansible.ini"))))
        if options.get("encoding"):
            text = text.encode("utf-8", "surrogateescape").decode(str(options["encoding"]))
        section = str(options.get("section", "global"))
        if options.get("type") == "properties":
            text, section = "[java_properties]\n" + text, "java_properties"
        try:
            parser.read_string(text)
        except configparser.Error as error:
            raise TemplateError(f"the lookup 'ini' failed: {' '.join(str(error).split())}") from None
        if _yes(options.get("re")):
            out.extend(value for name, value in _section(parser, section) if re.match(key, name))
            continue
        if not parser.has_section(section) and section != parser.default_section:
            raise TemplateError(f"the lookup 'ini' finds no section '{section}' in {options.get('file', 'ansible.ini')}")
        value = parser.get(section, key, fallback=options.get("default", ""))
        if value is not None:  # a key alone
            out.append(value)
    return out


def _section(parser: Any, section: str) -> Iterator[tuple[str, str]]:
    if parser.has_section(section):
        yield from parser.items(section)


def _yes(value: Any) -> bool:
    return value is True or str(value).lower() in ("yes", "true", "1", "on")


def csvfile(asker: Values, terms: Any, **given: Any) -> list[Any]:
    allowed = ("file", "delimiter", "col", "keycol", "default", "encoding")
    out: list[Any] = []
    for term in terms:
        key, options = _options(term, allowed, given)
        delimiter = str(options.get("delimiter", "TAB"))
        delimiter = "\t" if delimiter in ("TAB", "\\t") else delimiter
        column, key_column = int(options.get("col", 1)), int(options.get("keycol", 0))
        path = find_file(asker, "files", str(options.get("file", "ansible.csv")))
        rows = csv.reader(_read(asker, path).splitlines(), delimiter=delimiter)
        found = next((row[column] for row in rows if len(row) > key_column and row[key_column] == key), options.get("default"))
        if isinstance(found, list):
            out.extend(found)
        elif found is not None:
            out.append(found)
    return out


def password(asker: Values, terms: Any, **given: Any) -> Any:
    """A password kept in a file, made at first use: `path length=20 chars=ascii_letters,digits encrypt=sha512_crypt seed=x`."""
    from nxtplay.template.passwords import kept_password

    allowed = ("length", "chars", "encrypt", "ident", "seed")
    out: list[Any] = []
    for term in terms:
        path, options = _options(term, allowed, given)
        if not path:
            raise UndefinedVariable("the lookup 'password' needs the file that keeps the password; /dev/null keeps it nowhere")
        base = asker.get("playbook_dir")
        path = os.path.join("" if base is MISSING else str(finish(base)), os.path.expanduser(path))
        out.append(kept_password(path, options, may_write=asker.templates.may_write, on_secret=asker.templates.on_secret))
    return out


FILE_LOOKUPS: Mapping[str, Callable[..., list[Any]]] = {
    "file": file,
    "unvault": unvault,
    "template": template,
    "fileglob": fileglob,
    "first_found": first_found,
    "lines": lines,
    "pipe": pipe,
    "url": url,
    "ini": ini,
    "csvfile": csvfile,
    "password": password,
}
