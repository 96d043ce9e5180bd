"""The way to a Docker engine: options that every docker module has, one connection, errors with their remedy."""

from __future__ import annotations

import contextlib
import os
import re
from typing import Any, Iterator, Mapping, Optional, Sequence

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Args, arg
from nxtplay.core.state import Secret, Unknown, UnknownReached
from nxtplay.modules import _docker_engine, _dotenv

DEFAULT_HOST = "unix:///var/run/docker.sock"
DATA_ROOT = "/var/lib/docker"
LATER = "the Docker engine is not running yet; what it holds is seen in the run"
ENGINE_KEYS = (_docker_engine.KEY, "package:docker.io", "package:docker-ce", "package:moby-engine", "service:docker", "unit:docker")


class DockerOptions(Args):
    """How to reach the engine; the same names in every docker module."""

    docker_host: Optional[str] = arg(None, help="The engine's address; else DOCKER_HOST, else the local socket.", aliases=["docker_url"])
    tls: bool = arg(False, help="Speak TLS without verifying the engine.")
    validate_certs: bool = arg(False, help="Speak TLS and verify the engine's certificate.", aliases=["tls_verify"])
    tls_hostname: Optional[str] = arg(None, help="The name expected in the engine's certificate.")
    ca_path: Optional[str] = arg(None, help="Certificate authority file.", aliases=["ca_cert", "tls_ca_cert", "cacert_path"])
    client_cert: Optional[str] = arg(None, help="Client certificate file.", aliases=["tls_client_cert", "cert_path"])
    client_key: Optional[str] = arg(None, help="Client key file.", aliases=["tls_client_key", "key_path"])
    api_version: str = arg("auto", help="Version of the engine's API to speak; `auto` asks the engine.", aliases=["docker_api_version"])
    timeout: int = arg(60, help="Seconds to wait for an answer of the engine.")
    use_ssh_client: bool = arg(False, help="With an ssh:// address: use the ssh program.")
    ssl_version: Optional[str] = arg(None, help="Accepted for Ansible's sake; the two sides agree on one.")
    debug: bool = arg(False, help="Accepted for Ansible's sake; failures always tell what the engine said.")


class EmptyEngine:
    """An engine that an earlier task of the check would have installed: it holds nothing yet."""

    api_version = "1.41"
    base_url = ""

    def _nothing(self, *args: Any, **kwargs: Any) -> Any:
        return []

    containers = networks = images = _nothing

    def volumes(self, *args: Any, **kwargs: Any) -> Any:
        return {"Volumes": []}

    def _absent(self, *args: Any, **kwargs: Any) -> Any:
        import docker.errors

        raise docker.errors.NotFound("the engine is not there yet and holds nothing")

    inspect_container = inspect_image = inspect_network = inspect_volume = _absent

    def inspect_distribution(self, *args: Any, **kwargs: Any) -> Any:
        raise UnknownReached(Unknown("the Docker engine is not there yet; seen in the run"))

    info = version = df = logs = inspect_distribution

    def close(self) -> None:
        pass


def address(host: Reader, options: DockerOptions) -> str:
    return options.docker_host or host.environ.get("DOCKER_HOST") or DEFAULT_HOST


@contextlib.contextmanager
def engine(host: Reader, options: DockerOptions, *, timeout: Optional[float] = None) -> Iterator[Any]:
    """A docker.APIClient for the block; whatever the engine says no to becomes Failed with what to do about it."""
    import docker.errors
    import requests.exceptions

    url = address(host, options)
    client = _connect(host, options, url, timeout or options.timeout)
    try:
        yield client
    except docker.errors.APIError as error:
        raise Failed(explain(error)) from error
    except (requests.exceptions.Timeout, TimeoutError) as error:
        raise Failed(f"the Docker engine at {url} did not answer within {options.timeout} s; a larger `timeout` may help") from error
    except (requests.exceptions.ConnectionError, ConnectionError) as error:
        raise Failed(f"the connection to the Docker engine at {url} broke: {_innermost(error)}") from error
    except docker.errors.DockerException as error:
        raise Failed(f"docker: {error}") from error
    finally:
        client.close()


def _connect(host: Reader, options: DockerOptions, url: str, timeout: float) -> Any:
    import docker
    import docker.errors

    plain = url[7:] if url.startswith("unix://") else ""
    if plain and not os.path.exists(plain) and _is_foreseen(host, plain):
        if os.path.isdir(os.path.join(DATA_ROOT, "image")):
            raise UnknownReached(Unknown(LATER))
        return EmptyEngine()
    try:
        return docker.APIClient(
            base_url=url,
            version=options.api_version,
            timeout=timeout,
            tls=_tls(host, options, url),
            use_ssh_client=options.use_ssh_client,
        )
    except (docker.errors.DockerException, OSError) as error:
        if plain and _is_foreseen(host, ""):  # a socket that an engine left behind
            raise UnknownReached(Unknown(LATER)) from error
        raise Failed(_unreachable(host, url, plain, error)) from error


def _is_foreseen(host: Reader, socket: str) -> bool:
    """Whether an earlier task of this check would have brought the engine up."""
    for key in ENGINE_KEYS:
        if host.has_foreseen(key) and host.promised(key) is not None:
            return True
    try:
        return bool(socket) and host.stat(socket) is not None
    except UnknownReached:
        return True


def _tls(host: Reader, options: DockerOptions, url: str) -> Any:
    if not (options.tls or options.validate_certs or host.environ.get("DOCKER_TLS_VERIFY")) or url.startswith(("unix://", "ssh://")):
        return False
    from docker.tls import TLSConfig

    folder = host.environ.get("DOCKER_CERT_PATH")

    def file(given: Optional[str], name: str) -> Optional[str]:
        return given or (os.path.join(folder, name) if folder else None)

    cert, key = file(options.client_cert, "cert.pem"), file(options.client_key, "key.pem")
    verify = options.validate_certs or bool(host.environ.get("DOCKER_TLS_VERIFY"))
    return TLSConfig(client_cert=(cert, key) if cert and key else None, ca_cert=file(options.ca_path, "ca.pem"), verify=verify)


def _innermost(error: BaseException) -> str:
    """The cause that a person understands: the OS error below the layers of the HTTP library."""
    seen: BaseException = error
    for _ in range(12):
        below = seen.__cause__ or seen.__context__ or next((a for a in seen.args if isinstance(a, BaseException)), None)
        below = getattr(seen, "reason", None) if isinstance(getattr(seen, "reason", None), BaseException) else below
        if below is None or below is seen:
            break
        seen = below
    return getattr(seen, "strerror", None) or str(seen)


def _unreachable(host: Reader, url: str, socket: str, error: BaseException) -> str:
    import getpass

    if socket:
        if not os.path.exists(socket):
            if url not in (DEFAULT_HOST, "unix:///run/docker.sock"):
                return f"no Docker engine at {url}: there is no such socket. Check docker_host (or DOCKER_HOST), or unset it"
            if host.which("dockerd") is None:
                return (
                    f"Docker is not installed: there is no {socket} and no dockerd. "
                    "Install it (Debian and Ubuntu: `apt-get install docker.io`) and start it"
                )
            remedy = "`systemctl start docker`, or `dockerd &` without systemd"
            return f"the Docker engine is not running: there is no {socket}. Start it: {remedy}"
        if not os.access(socket, os.R_OK | os.W_OK):
            try:
                user = getpass.getuser()
            except Exception:
                user = str(os.getuid())
            return (
                f"user {user} may not use the Docker engine: permission denied on {socket}. "
                f"Say `become: true`, or add the user to the group that owns the socket (`usermod -aG docker {user}`, then log in again)"
            )
        return f"the Docker engine at {url} does not answer ({_innermost(error)}). Is it running? `systemctl start docker`"
    why = _innermost(error)
    return f"cannot reach the Docker engine at {url}: {why}. Check docker_host (or DOCKER_HOST) and that the engine listens there"


def explain(error: Any) -> str:
    """What the engine said, with the remedy for the usual cases."""
    said = str(getattr(error, "explanation", None) or error).strip()
    port = re.search(r"(?:Bind for |listen tcp4? |bind host port for )(\S*?:(\d+))\S*.*(?:already allocated|already in use|failed)", said)
    if port:
        number = port.group(2)
        return f"port {number} on the host is taken: {said}. See who has it: `ss -ltnp 'sport = :{number}'`"
    if "No space left" in said or "no space left" in said:
        return f"the disk is full: {said}. `docker system df` shows what Docker holds"
    return f"the Docker engine refused: {said}"


# -- names -----------------------------------------------------------------------------------------------------------


def split_image(name: str) -> tuple[str, str]:
    """(repository, tag or digest) of an image name; the tag is `latest` where none is said."""
    if "@" in name:
        repository, _, digest = name.partition("@")
        head, colon, _ = repository.rpartition(":")
        return (head if colon and "/" not in repository.rpartition(":")[2] else repository), digest
    head, colon, tail = name.rpartition(":")
    if colon and "/" not in tail:
        return head, tail
    return name, "latest"


def full_image(name: str, tag: Optional[str] = None) -> str:
    """REPOSITORY:TAG as Docker's command line shows it: without `docker.io/library/`."""
    repository, found = split_image(name)
    if tag and repository == name.partition("@")[0]:
        found = tag
    for prefix in ("docker.io/library/", "docker.io/", "index.docker.io/"):
        if repository.startswith(prefix):
            repository = repository[len(prefix) :]
            break
    return f"{repository}@{found}" if found.startswith("sha256:") else f"{repository}:{found}"


def named(name: str, tag: str) -> str:
    """The image that the arguments `name` and `tag` mean; an id stays as it is."""
    if "/" in tag or " " in tag:
        raise Failed(f"'{tag}' is no tag")
    if name.startswith("sha256:"):
        return name
    return full_image(name, None if ":" in name.rpartition("/")[2] or "@" in name else tag)


def image_key(name: str) -> str:
    """What an image's state is filed under in a check."""
    return f"image:{full_image(name)}"


def inspect_image(host: Reader, api: Any, name: str) -> Optional[dict[str, Any]]:
    """The live image, or None."""
    import docker.errors

    try:
        found: dict[str, Any] = api.inspect_image(name)
        return found
    except docker.errors.ImageNotFound:
        return None
    except docker.errors.NotFound:
        return None


def image_id(host: Reader, api: Any, name: str) -> Any:
    """The id of the image as it will be when this task's turn comes: text, Unknown, or None where there is none."""
    key = image_key(name)
    if host.has_foreseen(key):
        state = host.promised(key)
        return getattr(state, "id", state)
    found = inspect_image(host, api, name)
    return found["Id"] if found else None


def inspect_container(api: Any, name: str) -> Optional[dict[str, Any]]:
    import docker.errors

    try:
        found: dict[str, Any] = api.inspect_container(name)
        return found
    except docker.errors.NotFound:
        return None


CONTAINER_FIELDS = (
    "Id",
    "Created",
    "Path",
    "Args",
    "State",
    "Image",
    "ResolvConfPath",
    "HostnamePath",
    "HostsPath",
    "LogPath",
    "Name",
    "RestartCount",
    "Driver",
    "Platform",
    "MountLabel",
    "ProcessLabel",
    "AppArmorProfile",
    "ExecIDs",
    "HostConfig",
    "GraphDriver",
    "Mounts",
    "Config",
    "NetworkSettings",
)  # of what the engine tells about any container


IMAGE_FIELDS = (
    "Id",
    "RepoTags",
    "RepoDigests",
    "Parent",
    "Comment",
    "Created",
    "DockerVersion",
    "Author",
    "Config",
    "Architecture",
    "Os",
    "Size",
    "GraphDriver",
    "RootFS",
    "Metadata",
)


def texts(given: Mapping[str, Any]) -> dict[str, str]:
    """Options as the engine takes them: true and false in small letters."""
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}


def shown(found: Mapping[str, Any]) -> dict[str, Any]:
    """An inspected container with its secrets masked where they are shown."""
    environ = (found.get("Config") or {}).get("Env") or []
    hidden = [Secret(entry) if _dotenv.SECRET_NAME.search(entry.partition("=")[0]) else entry for entry in environ]
    return {**found, "Config": {**(found.get("Config") or {}), "Env": hidden}} if found else {}


def short(digest: str) -> str:
    return digest.rpartition(":")[2][:12]


def tail_of(api: Any, container: str, lines: int = 30) -> str:
    """A container's last log lines, as text."""
    import docker.errors

    try:
        raw: bytes = api.logs(container, tail=lines, stdout=True, stderr=True)
    except docker.errors.APIError as error:
        return f"(no logs: {error.explanation})"
    return raw.decode("utf-8", "replace").strip()


def as_filters(names: Sequence[str]) -> dict[str, Any]:
    return {"label": list(names)}
