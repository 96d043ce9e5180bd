"""Building images when their inputs changed: what goes in, how it is remembered, how it is built."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import stat as stat_
import tarfile
import tempfile
import zlib
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Optional, Union

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.state import Unknown, UnknownReached
from nxtplay.modules import _docker, _docker_file, _docker_ignore, _docker_registry

INPUTS_LABEL = "nxtplay.inputs"  # the hash over everything
PARTS_LABEL = "nxtplay.inputs.parts"  # what it was made of, so that a later build can say what changed
MOST_FILES = 1000  # above this many files only the hash over all of them is remembered


@dataclass(frozen=True)
class Recipe:
    """What is asked for. `path` is the context folder, `dockerfile` relative to it or absolute."""

    image: str
    path: str
    dockerfile: str = "Dockerfile"
    args: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    platform: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    cache_from: tuple[str, ...] = ()
    network: str = ""
    shm_size: Optional[int] = None
    extra_hosts: Mapping[str, str] = field(default_factory=dict)
    nocache: bool = False
    pull: bool = False
    limits: Mapping[str, Any] = field(default_factory=dict)  # memory, memswap, cpushares, cpusetcpus: of the containers that build
    secrets: tuple[tuple[str, str, str], ...] = ()  # id, kind (file, env, value), and what the kind asks for
    outputs: tuple[str, ...] = ()  # as the docker command takes them

    def buildkit(self, parsed: _docker_file.Dockerfile) -> str:
        """What only BuildKit does; "" where the engine's own builder will do."""
        return parsed.buildkit or ("secrets" if self.secrets else "outputs" if self.outputs else "")


@dataclass(frozen=True)
class Inputs:
    """What an image was made of. Values of `args` and of files are hashes; `base` maps image names to ids."""

    dockerfile: Any  # str, or Unknown
    args: dict[str, str]
    base: Any  # dict[str, str], or Unknown
    context: Any  # dict[str, str] of path to hash, {"*": hash} for large ones, or Unknown
    options: dict[str, str]

    def digest(self) -> str:
        return _sha(json.dumps([self.dockerfile, self.args, self.base, self.context, self.options], sort_keys=True))


@dataclass(frozen=True)
class ImageState:
    """A built image; `id` is Unknown before it is built, `inputs` is None for an image that was not built by nxtplay."""

    id: Any
    inputs: Optional[Inputs]
    found: Any = field(default=None, compare=False, metadata={"volatile": True})  # all that the engine tells; None for what is only planned

    def described(self, name: str) -> dict[str, Any]:
        """What a module registers as the image."""
        if self.found is not None:
            return dict(self.found)
        open_ = dict.fromkeys(_docker.IMAGE_FIELDS, Unknown(f"image {name} is known after the run"))
        return {**open_, "Id": self.id, "RepoTags": [name]}


def _sha(text: Union[str, bytes]) -> str:
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


# -- what goes in ----------------------------------------------------------------------------------------------------


def observe(host: Reader, api: Any, image: str) -> Optional[ImageState]:
    """The image as it is (or is foreseen to be)."""
    key = _docker.image_key(image)
    if host.has_foreseen(key):
        state = host.promised(key)
        return state if state is None or isinstance(state, ImageState) else ImageState(getattr(state, "id", state), None)
    found = _docker.inspect_image(host, api, image)
    return ImageState(found["Id"], remembered((found.get("Config") or {}).get("Labels") or {}), found) if found else None


def remembered(labels: Mapping[str, str]) -> Optional[Inputs]:
    """The inputs written into an image's labels, or None."""
    if INPUTS_LABEL not in labels:
        return None
    try:
        parts = json.loads(zlib.decompress(base64.b64decode(labels[PARTS_LABEL])))
        inputs = Inputs(parts["dockerfile"], parts["args"], parts["base"], parts["context"], parts["options"])
    except (KeyError, ValueError, zlib.error):
        return None
    return inputs if inputs.digest() == labels[INPUTS_LABEL] else None


def as_labels(inputs: Inputs) -> dict[str, str]:
    parts = {name: getattr(inputs, name) for name in ("dockerfile", "args", "base", "context", "options")}
    packed = base64.b64encode(zlib.compress(json.dumps(parts, sort_keys=True).encode(), 9)).decode("ascii")
    return {INPUTS_LABEL: inputs.digest(), PARTS_LABEL: packed}


def desired(host: Reader, api: Any, recipe: Recipe, before: Optional[ImageState]) -> ImageState:
    """The image after a build, where one is needed; else the image that is there."""
    inputs = gather(host, api, recipe)
    if before is not None and before.inputs == inputs:
        return before
    _check_builder(host, api, recipe)
    return ImageState(Unknown(f"the id of {recipe.image} is known once it is built"), inputs)


def _check_builder(host: Reader, api: Any, recipe: Recipe) -> None:
    """Failed where the build needs BuildKit and the host has no command for it."""
    if isinstance(api, _docker.EmptyEngine):
        return
    try:
        parsed = _docker_file.parse(read_dockerfile(host, recipe), recipe.args, recipe.target)
    except UnknownReached:
        return
    why = recipe.buildkit(parsed)
    if not why or any("docker" in key or "buildx" in key for key in host.foreseen_under("package:")):
        return
    docker = host.which("docker")
    if docker is None:
        raise Failed(f"the build uses `{why}`, which only BuildKit knows; the docker command, which it needs, is not on the host")
    if host.look([docker, "buildx", "version"]).rc != 0:
        raise Failed(
            f"the build uses `{why}`, which only BuildKit knows, and this host's docker command lacks buildx: "
            "install docker-buildx (Debian and Ubuntu) or docker-buildx-plugin (Docker's packages), or do without"
        )


def gather(host: Reader, api: Any, recipe: Recipe) -> Inputs:
    """Look at everything the build would read. Failed where something is missing."""
    options = {
        name: value
        for name, value in (
            ("target", recipe.target),
            ("platform", recipe.platform),
            ("network", recipe.network),
            ("labels", json.dumps(dict(recipe.labels), sort_keys=True) if recipe.labels else ""),
            ("outputs", json.dumps(recipe.outputs) if recipe.outputs else ""),
        )
        if value
    }
    args = {name: _sha(value) for name, value in sorted(recipe.args.items())}
    try:
        text = read_dockerfile(host, recipe)
    except UnknownReached as reached:
        return Inputs(reached.unknown, args, reached.unknown, reached.unknown, options)
    parsed = _docker_file.parse(text, recipe.args, recipe.target)
    if recipe.target and recipe.target.lower() not in parsed.stages and not recipe.target.isdigit():
        stages = ", ".join(s for s in parsed.stages if s) or "none has a name"
        raise Failed(f"{recipe.dockerfile} has no stage '{recipe.target}'; its stages: {stages}")
    try:
        context: Any = hash_context(host, recipe)
    except UnknownReached as reached:
        context = reached.unknown
    return Inputs(_sha(text), args, base_ids(host, api, recipe, parsed.bases), context, options)


def read_dockerfile(host: Reader, recipe: Recipe) -> str:
    if not host.is_dir(recipe.path):
        raise Failed(f"no build context {recipe.path}: `path` has to be a folder on the host")
    path = os.path.join(recipe.path, recipe.dockerfile)
    if not host.exists(path):
        raise Failed(f"no Dockerfile at {path}; name it with `dockerfile`")
    return host.read(path).decode("utf-8", "replace")


def base_ids(host: Reader, api: Any, recipe: Recipe, bases: tuple[str, ...]) -> Any:
    """Image ids by name. Unknown where an image has to be pulled or is only foreseen; Failed where it can come from nowhere."""
    found: dict[str, str] = {}
    for name in bases:
        identity = _docker.image_id(host, api, name)
        if identity is None or (recipe.pull and not isinstance(identity, Unknown)):
            answer = _docker_registry.ask(host, api, name, hope=True)
            if answer.status != "found":
                if identity is None:
                    raise Failed(f"base image {name} is not on the host, and {_docker_registry.why_not(name, answer)}")
                raise Failed(f"`pull` asks for a fresh {name}, but {_docker_registry.why_not(name, answer)}")
            image = _docker.inspect_image(host, api, name) or {}
            if not any(d.endswith("@" + str(answer.digest)) for d in image.get("RepoDigests") or ()):
                return Unknown(f"base image {name} has to be pulled")
        if isinstance(identity, Unknown):
            return identity
        assert identity is not None
        found[name] = identity
    return found


def ignore_rules(host: Reader, recipe: Recipe) -> tuple[_docker_ignore.Rule, ...]:
    """From DOCKERFILE.dockerignore where there is one, else from .dockerignore."""
    for name in (recipe.dockerfile + ".dockerignore", ".dockerignore"):
        path = os.path.join(recipe.path, name)
        if host.exists(path):
            try:
                return _docker_ignore.parse(host.read(path).decode("utf-8", "replace"))
            except ValueError as error:
                raise Failed(f"{path}: {error}") from None
    return ()


def walk(host: Reader, recipe: Recipe) -> Iterator[str]:
    """Relative paths (files, links, folders) of the context, sorted within each folder, ignored ones left out."""
    rules = ignore_rules(host, recipe)
    touched = any(key.startswith("file:") for key in host.foreseen_under("file:" + recipe.path.rstrip("/")))

    def below(folder: str) -> Iterator[str]:
        full = os.path.join(recipe.path, folder) if folder else recipe.path
        for name in host.listdir(full) if touched else sorted(os.listdir(full)):
            relative = f"{folder}/{name}" if folder else name
            path = os.path.join(full, name)
            ignored = bool(rules) and _docker_ignore.is_ignored(rules, relative)
            if touched:
                state = host.stat(path)
                is_folder = state is not None and state.kind == "directory"
            else:
                is_folder = os.path.isdir(path) and not os.path.islink(path)
            if is_folder and not (ignored and _docker_ignore.may_skip(rules, relative)):
                inner = list(below(relative))
                if not ignored or inner:
                    yield relative
                yield from inner
            elif not ignored:
                yield relative

    host.stat(recipe.path)  # Unknown where an earlier task leaves the whole folder open
    return below("")


def hash_context(host: Reader, recipe: Recipe) -> dict[str, str]:
    """Path to hash of kind, permission bits and content. Folders count by their name alone, times and owners do not."""
    own = {os.path.normpath(recipe.dockerfile), ".dockerignore", os.path.normpath(recipe.dockerfile) + ".dockerignore"}
    touched = bool(host.foreseen_under("file:" + recipe.path.rstrip("/")))
    found = {}
    for relative in walk(host, recipe):
        if relative in own:  # the Dockerfile has its own part, .dockerignore shows in what it leaves out
            continue
        full = os.path.join(recipe.path, relative)
        found[relative] = _hash_foreseen(host, full) if touched else _hash_live(full)
    if len(found) > MOST_FILES:
        return {"*": _sha(json.dumps(sorted(found.items())))}
    return found


def _hash_live(path: str) -> str:
    try:
        found = os.lstat(path)
        if stat_.S_ISLNK(found.st_mode):
            return _sha("link " + os.readlink(path))[:10]
        if stat_.S_ISDIR(found.st_mode):
            return "dir"
        if not stat_.S_ISREG(found.st_mode):
            return "other"
        digest = hashlib.sha256(f"{found.st_mode & 0o7777:o} ".encode())
        with open(path, "rb") as stream:
            for chunk in iter(lambda: stream.read(1 << 20), b""):
                digest.update(chunk)
        return digest.hexdigest()[:10]
    except OSError as error:
        raise Failed(f"cannot read {path} of the build context: {error.strerror}") from error


def _hash_foreseen(host: Reader, path: str) -> str:
    state = host.stat(path)
    if state is None:
        return "gone"
    if state.kind == "link":
        return _sha(f"link {state.target}")[:10]
    if state.kind != "file":
        return "dir" if state.kind == "directory" else "other"
    return hashlib.sha256(f"{state.mode:o} ".encode() + host.read(path)).hexdigest()[:10]


# -- building --------------------------------------------------------------------------------------------------------


def build(host: Host, api: Any, recipe: Recipe, inputs: Optional[Inputs]) -> str:
    """Build and tag; the new image's id. Shows the current step; Failed names the step that broke, with its last lines."""
    if inputs is None or isinstance(inputs.base, Unknown) or isinstance(inputs.context, Unknown):
        inputs = _with_bases(host, api, recipe)
    parsed = _docker_file.parse(read_dockerfile(host, recipe), recipe.args, recipe.target)
    labels = {**recipe.labels, **as_labels(inputs)}
    if recipe.buildkit(parsed):
        return _build_with_command(host, api, recipe, labels)
    repository, tag = _docker.split_image(recipe.image)
    with tempfile.TemporaryFile() as stream:
        name = pack(host, recipe, stream)
        stream.seek(0)
        events = api.build(
            fileobj=stream,
            custom_context=True,
            dockerfile=name,
            tag=f"{repository}:{tag}",
            buildargs=dict(recipe.args),
            target=recipe.target or None,
            platform=recipe.platform or None,
            labels=labels,
            cache_from=list(recipe.cache_from) or None,
            network_mode=recipe.network or None,
            shmsize=recipe.shm_size,
            extra_hosts=dict(recipe.extra_hosts) or None,
            nocache=recipe.nocache,
            pull=recipe.pull,
            container_limits=dict(recipe.limits) or None,
            rm=True,
            forcerm=True,
            decode=True,
        )
        follow(host, events, recipe.image)
    found = api.inspect_image(recipe.image)
    identity: str = found["Id"]
    return identity


def _with_bases(host: Host, api: Any, recipe: Recipe) -> Inputs:
    """The inputs once base images that were missing have been pulled."""
    parsed = _docker_file.parse(read_dockerfile(host, recipe), recipe.args, recipe.target)
    for name in parsed.bases:
        if recipe.pull or _docker.inspect_image(host, api, name) is None:
            pull(host, api, name, recipe.platform)
    inputs = gather(host, api, recipe)
    if isinstance(inputs.base, Unknown):
        raise Failed(f"base images are still missing after a pull: {inputs.base.reason}")
    return inputs


def pack(host: Reader, recipe: Recipe, stream: Any) -> str:
    """Write the context as a tar archive; the name the Dockerfile has in it."""
    dockerfile = os.path.normpath(os.path.join(recipe.path, recipe.dockerfile))
    inside = os.path.relpath(dockerfile, recipe.path)
    name = inside if not inside.startswith("..") else ".nxtplay.Dockerfile"

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0  # as other clients send it
        member.uname = member.gname = ""
        return member

    written = set()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for relative in walk(host, recipe):
            full = os.path.join(recipe.path, relative)
            if not stat_.S_ISSOCK(os.lstat(full).st_mode):
                archive.add(full, relative, recursive=False, filter=plain)
                written.add(relative)
        if name not in written:
            archive.add(dockerfile, name, recursive=False, filter=plain)
    return name


_STEP = re.compile(r"^Step (\d+/\d+) : (.*)")


def follow(host: Host, events: Any, image: str) -> None:
    """Watch a build's messages: progress for whoever looks on, the failing step for the error."""
    step, lines = "", []  # type: str, list[str]
    for event in events:
        if "error" in event:
            detail = (event.get("errorDetail") or {}).get("message") or event["error"]
            where = f" at step {step}" if step else ""
            said = "\n".join(lines[-20:])
            message = f"building {image} failed{where}: {detail.strip()}" + (f"\n{said}" if said else "")
            raise Failed(message, step=step, build_output=lines[-200:])
        text = str(event.get("stream") or event.get("status") or "").rstrip("\n")
        if not text.strip():
            continue
        found = _STEP.match(text)
        if found:
            step, lines = f"{found.group(1)}: {found.group(2)}", []
            if not found.group(2).startswith("LABEL nxtplay."):
                host.progress(f"{image}: step {step}"[:160])
        elif not text.startswith((" --->", "Removing intermediate")):
            lines += text.splitlines()
            host.progress(f"{image}: step {step.partition(':')[0]}: {text.strip().splitlines()[-1]}"[:160])


def _build_with_command(host: Host, api: Any, recipe: Recipe, labels: Mapping[str, str]) -> str:
    """BuildKit speaks a protocol that the SDK does not; the docker command does."""
    _check_builder(host, api, recipe)
    docker = host.which("docker") or "docker"
    argv = [docker, "build", "--progress=plain", "-t", recipe.image, "-f", os.path.join(recipe.path, recipe.dockerfile)]
    for name in recipe.args:
        argv += ["--build-arg", name]  # the value rides in the environment, out of the process list
    for name, value in labels.items():
        argv += ["--label", f"{name}={value}"]
    for flag, value in (("--target", recipe.target), ("--platform", recipe.platform), ("--network", recipe.network)):
        argv += [flag, value] if value else []
    argv += [f"--cache-from={c}" for c in recipe.cache_from] + [f"--add-host={n}:{a}" for n, a in recipe.extra_hosts.items()]
    argv += ["--no-cache"] if recipe.nocache else []
    argv += ["--pull"] if recipe.pull else []
    argv += ["--shm-size", str(recipe.shm_size)] if recipe.shm_size else []
    env = {"DOCKER_BUILDKIT": "1", **recipe.args}
    for number, (name, kind, given) in enumerate(recipe.secrets):
        if kind == "value":  # it rides in the environment, too
            env[f"NXTPLAY_SECRET_{number}"] = given
        source = {"file": f"type=file,src={given}", "env": f"type=env,env={given}", "value": f"type=env,env=NXTPLAY_SECRET_{number}"}
        argv += ["--secret", f"id={name},{source[kind]}"]
    argv += [f"--output={output}" for output in recipe.outputs]
    url = getattr(api, "base_url", "")
    if url.startswith(("tcp://", "ssh://")):
        env["DOCKER_HOST"] = url
    host.progress(f"{recipe.image}: building with BuildKit")
    done = host.run([*argv, recipe.path], env=env, stream=True)
    if done.rc != 0:
        said = (done.stderr or done.stdout).strip()
        raise Failed(f"building {recipe.image} failed: {said[-3000:]}", rc=done.rc)
    identity: str = api.inspect_image(recipe.image)["Id"]
    return identity


def pull(host: Host, api: Any, name: str, platform: str = "") -> str:
    """Pull an image and show how far it is; its id."""
    repository, tag = _docker.split_image(name)
    layers: dict[str, str] = {}
    events = api.pull(
        repository, tag=tag, stream=True, decode=True, platform=platform or None, auth_config=_docker_registry.credentials(name)
    )
    for event in events:
        if "error" in event:
            raise Failed(f"cannot pull {name}: {event['error']}")
        if "id" in event:
            layers[event["id"]] = str(event.get("status"))
            finished = sum(1 for s in layers.values() if s in ("Pull complete", "Already exists"))
            host.progress(f"pulling {name}: {finished} of {len(layers)} layers")
    identity: str = api.inspect_image(name)["Id"]
    return identity
