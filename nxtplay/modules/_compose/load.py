"""Compose files to one model: found, interpolated, checked, extended, included, merged."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Sequence

from nxtplay.core.host import Failed, Reader
from nxtplay.modules._compose import interpolate, kinds, schema, source
from nxtplay.modules._compose.kinds import Place
from nxtplay.modules._compose.source import ComposeErrors, Document

DEFAULT_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = ("compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml")
NAME = "COMPOSE_PROJECT_NAME"
SECTIONS = ("services", "networks", "volumes", "secrets", "configs")


@dataclass(frozen=True)
class Over:
    """What is said of one service on top of all files: attributes as a file has them, and those that are left out of the files."""

    service: str
    spec: Mapping[str, Any]
    without: tuple[str, ...] = ()

    def document(self) -> str:
        """As the text of a Compose file."""
        return json.dumps({"services": {self.service: self.spec}}).replace("$", "$$")


@dataclass(frozen=True)
class Request:
    """Which files to read. `directory` is absolute; `definition` is the text of a file that exists nowhere."""

    directory: str
    files: tuple[str, ...] = ()
    definition: Optional[str] = None
    project_name: Optional[str] = None
    env_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    over: Optional[Over] = None


@dataclass
class Loaded:
    """The merged model before it is made complete. `documents` tell where things stand."""

    model: dict[str, Any]
    files: tuple[str, ...]
    environ: dict[str, str]
    documents: list[Document] = field(default_factory=list)

    def wrong(self, at: tuple[Any, ...], message: str, hint: str = "") -> None:
        """Note a finding at the file that says it last."""
        for length in range(len(at), -1, -1):
            where = [d for d in self.documents if at[:length] in d.places]
            if where:
                where[-1].wrong(at, message, hint)
                return

    def findings(self) -> list[str]:
        return list(dict.fromkeys(f for d in self.documents for f in d.findings))

    def warnings(self) -> list[str]:
        return list(dict.fromkeys(w for d in self.documents for w in d.warnings))


def load(host: Reader, request: Request) -> Loaded:
    """Read everything a request names. Raises ComposeErrors with all that is wrong in the files themselves."""
    environ = environment(host, request.directory, request.env_files)
    files = find_files(host, request)
    environ[NAME] = project_name(host, request, files, environ)
    loaded = Loaded({}, files, environ)
    loaded.model = _merged(host, files, request.definition, request.directory, loaded, ())
    if request.over is not None:
        _lay_over(host, request.over, request.directory, loaded)
    return loaded


def _lay_over(host: Reader, over: Over, directory: str, loaded: Loaded) -> None:
    services = loaded.model.get("services") or {}
    if over.service in services:
        services[over.service] = {key: value for key, value in services[over.service].items() if key not in over.without}
        _, data = _read(host, "", over.document(), Place(directory, loaded.environ), loaded)
        loaded.model = kinds.plain(kinds.merge(schema.FILE_KEYS, loaded.model, data))


def project_name(host: Reader, request: Request, files: Sequence[str], environ: Mapping[str, str]) -> str:
    """The name as Compose finds it: said, COMPOSE_PROJECT_NAME, `name:` in the last file that has it, the folder's name.

    Known before the files are read in earnest: they may take it in as ${COMPOSE_PROJECT_NAME}.
    """
    said = request.project_name or environ.get(NAME) or _name_in(host, request, files, environ)
    if said:
        if not re.match(r"^[a-z0-9][a-z0-9_-]*$", said):
            raise ComposeErrors([f"'{said}' is no project name (lower-case letters, digits, dash and underscore, a letter or digit first)"])
        return said
    found = re.sub(r"[^a-z0-9_-]", "", os.path.basename(request.directory).lower()).lstrip("_-")
    if not found:
        raise ComposeErrors([f"no project name can be made of the folder {request.directory}; give `project_name`"])
    return found


def _name_in(host: Reader, request: Request, files: Sequence[str], environ: Mapping[str, str]) -> str:
    found = ""
    for text in [host.read(f).decode("utf-8", "replace") for f in files if host.exists(f)] or [request.definition or ""]:
        line = re.search(r"^name:[ \t]*(.*)$", text, re.MULTILINE)
        if line is None and not re.match(r"\s*{", text):
            continue  # spares reading the file twice
        data = source.parse(text, "").data
        named = data.get("name") if isinstance(data, dict) else None
        try:
            found = interpolate.substitute(named, environ.get) if isinstance(named, str) else found
        except interpolate.BadTemplate:
            continue  # told with its place when the file is read
    return found


def find_files(host: Reader, request: Request) -> tuple[str, ...]:
    """Absolute paths of the files; where none is named, the usual ones with their override."""
    if request.definition is not None:
        return ()
    if request.files:
        return tuple(os.path.normpath(os.path.join(request.directory, f)) for f in request.files)
    if not host.is_dir(request.directory):
        raise Failed(f"no project folder {request.directory}; `project_src` has to be a folder on the host")
    found = [os.path.join(request.directory, n) for n in DEFAULT_FILES if host.exists(os.path.join(request.directory, n))]
    if not found:
        raise Failed(f"no Compose file in {request.directory}; expected {', '.join(DEFAULT_FILES)}, or name it with `files`")
    over = [os.path.join(request.directory, n) for n in OVERRIDES if host.exists(os.path.join(request.directory, n))]
    return (found[0], *over[:1])


def environment(host: Reader, directory: str, env_files: Sequence[str], outer: Optional[Mapping[str, str]] = None) -> dict[str, str]:
    """Variables for interpolation: the task's environment, below it the .env files (later ones win)."""
    base: Mapping[str, str] = host.environ if outer is None else outer
    found: dict[str, Optional[str]] = {}
    names = [os.path.join(directory, f) for f in env_files] or [os.path.join(directory, ".env")]
    for path in names:
        if not host.exists(path):
            if env_files:
                raise Failed(f"no env file {path}; `env_files` has to name files on the host")
            continue
        found.update(read_env_file(host, path, {**{k: v for k, v in found.items() if v is not None}, **base}))
    return {**{name: value for name, value in found.items() if value is not None}, **base}


def read_env_file(host: Reader, path: str, environ: Mapping[str, str]) -> dict[str, Optional[str]]:
    try:
        return interpolate.env_file(host.read(path).decode("utf-8", "replace"), path, environ)
    except interpolate.BadTemplate as error:
        said = str(error)
        raise ComposeErrors([said if said.startswith(path) else f"{path}: {said}"]) from None


def _merged(
    host: Reader, files: Sequence[str], definition: Optional[str], directory: str, loaded: Loaded, above: tuple[str, ...]
) -> dict[str, Any]:
    model: dict[str, Any] = {}
    place = Place(directory, loaded.environ)
    for file in files or [""]:
        if file in above:
            raise ComposeErrors([f"{file}: includes itself: {' > '.join([*above, file])}"])
        document, data = _read(host, file, definition, place, loaded)
        include = data.pop("include", None) or ()
        data = _extended(host, data, document, file or directory, place, loaded)
        for item in include:
            _include(host, item, data, directory, loaded, (*above, file), document)
        model = kinds.merge(schema.FILE_KEYS, model, data)
    merged: dict[str, Any] = kinds.plain(model)
    return merged


def _read(host: Reader, file: str, definition: Optional[str], place: Place, loaded: Loaded) -> tuple[Document, dict[str, Any]]:
    """One file in canonical form."""
    if file:
        if not host.exists(file):
            raise ComposeErrors([f"no Compose file {file}"])
        text = host.read(file).decode("utf-8", "replace")
    else:
        text = definition or ""
    document = source.parse(text, file or "definition")
    loaded.documents.append(document)
    data = interpolate.document(document, loaded.environ)
    if not isinstance(data, dict):
        raise ComposeErrors([f"{document.file}: a Compose file is a mapping with `services`, found {kinds.said(data)}"])
    for name, service in (data.get("services") or {}).items() if isinstance(data.get("services"), dict) else ():
        _check_service(name, service, document)
    read = schema.FILE_KEYS.read(data, (), document, place) or {}
    if document.findings:
        raise ComposeErrors(loaded.findings())
    return document, read


def _check_service(name: str, service: Any, document: Document) -> None:
    at = ("services", name)
    if not re.match(r"^[a-zA-Z0-9._-]+$", name):
        document.wrong(at, f"'{name}' is no service name", "letters, digits, dot, dash and underscore")
    if service is None:
        document.wrong(at, f"service '{name}' says nothing", "give it an `image` or a `build`")
    for key in service if isinstance(service, dict) else ():
        if key in schema.UNSUPPORTED:
            document.wrong((*at, key), f"'{key}' is not supported: {schema.UNSUPPORTED[key]}")
    if isinstance(service, dict):
        for key in schema.UNSUPPORTED:
            service.pop(key, None)


def _extended(host: Reader, data: dict[str, Any], document: Document, file: str, place: Place, loaded: Loaded) -> dict[str, Any]:
    services = data.get("services")
    if not isinstance(services, dict):
        return data
    done: dict[str, Any] = {}

    def resolve(name: str, chain: tuple[str, ...]) -> Any:
        if name in done:
            return done[name]
        service = services[name]
        wanted = service.get("extends") if isinstance(service, dict) else None
        if not wanted:
            return service
        at = ("services", name, "extends")
        if name in chain:
            raise ComposeErrors([f"{document.place(at)}: services extend each other: {' > '.join([*chain, name])}"])
        base_name = wanted.get("service", "")
        if wanted.get("file"):
            base = _base_from_file(host, wanted["file"], base_name, at, document, place, loaded)
        elif base_name not in services:
            hint = source.did_you_mean(base_name, services)
            raise ComposeErrors([f"{document.place(at)}: no service '{base_name}' to extend" + (f" ({hint})" if hint else "")])
        else:
            base = resolve(base_name, (*chain, name))
        own = {key: value for key, value in service.items() if key != "extends"}
        done[name] = kinds.merge(schema.SERVICE, base, own)
        return done[name]

    return {**data, "services": {name: resolve(name, ()) for name in services}}


def _base_from_file(host: Reader, file: str, name: str, at: Any, document: Document, place: Place, loaded: Loaded) -> Any:
    path = os.path.normpath(os.path.join(place.base, file))
    if not host.exists(path):
        raise ComposeErrors([f"{document.place(at)}: no file {path} to extend from"])
    inner = Place(os.path.dirname(path), place.environ)
    other, data = _read(host, path, None, inner, loaded)
    data = _extended(host, data, other, path, inner, loaded)
    services = data.get("services") or {}
    if name not in services:
        hint = source.did_you_mean(name, services)
        raise ComposeErrors([f"{document.place(at)}: {path} has no service '{name}'" + (f" ({hint})" if hint else "")])
    return services[name]


def _include(
    host: Reader, item: Any, data: dict[str, Any], directory: str, loaded: Loaded, above: tuple[str, ...], document: Document
) -> None:
    """Bring another project's sections in; the same name for different things is an error."""
    paths = [os.path.normpath(os.path.join(directory, p)) for p in item.get("path") or ()]
    if not paths:
        return
    folder = os.path.normpath(os.path.join(directory, item.get("project_directory") or os.path.dirname(paths[0])))
    env_files = [os.path.join(directory, f) for f in item.get("env_file") or ()]
    inner = Loaded({}, tuple(paths), environment(host, folder, env_files, loaded.environ), loaded.documents)
    model = _merged(host, paths, None, folder, inner, above)
    for section in SECTIONS:
        for name, value in (model.get(section) or {}).items():
            own = data.setdefault(section, {}) or {}
            data[section] = own
            if name in own and own[name] != value:
                raise ComposeErrors([f"{document.place((section, name))}: {paths[0]} defines {section} '{name}' too, differently"])
            own[name] = value
