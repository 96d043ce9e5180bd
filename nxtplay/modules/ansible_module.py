"""ansible_module: run a module of a `library/` or of a collection that was written for Ansible."""

from __future__ import annotations

import json
import os
import pkgutil
import shlex
import sys
import tempfile
from dataclasses import dataclass
from typing import Any

from nxtplay.core.host import Completed, Failed, Host
from nxtplay.core.resource import Action, arg
from nxtplay.core.types import Raw as Anything
from nxtplay.modules import _sources

_JSON_ARGS = b"<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"
_TEXT = "from ansible.module_utils.basic import to_bytes, to_native, to_text\n"
_LIBRARY = {
    "ansible/__init__.py": "",
    "ansible/module_utils/ansible_release.py": "__version__ = '2.19'\n",
    "ansible/module_utils/__init__.py": "",
    "ansible/module_utils/_text.py": _TEXT,
    "ansible/module_utils/common/__init__.py": "",
    "ansible/module_utils/common/text/__init__.py": "",
    "ansible/module_utils/common/text/converters.py": _TEXT + "from ansible.module_utils.basic import jsonify\n",
    "ansible/module_utils/common/_collections_compat.py": "from collections.abc import *\n",
    "ansible/module_utils/common/locale.py": "def get_best_parsable_locale(*_, **__):\n    return 'C'\n",
    "ansible/module_utils/compat/__init__.py": "",
    "ansible/module_utils/compat/selectors.py": "from selectors import *\n",
    "ansible/module_utils/facts/__init__.py": "",
    "ansible/module_utils/parsing/__init__.py": "",
    "ansible/module_utils/parsing/convert_bool.py": "from ansible.module_utils.basic import BOOLEANS, BOOLEANS_FALSE, BOOLEANS_TRUE\n"
    "from ansible.module_utils.basic import boolean\n",
}
_FILES = {
    "api.py": "api.py",
    "basic.py": "basic.py",
    "common/arg_spec.py": "common/arg_spec.py",
    "common/arguments.py": "common/arguments.py",
    "common/collections.py": "collections.py",
    "common/dict_transformations.py": "dict_transformations.py",
    "common/network.py": "common/network.py",
    "common/parameters.py": "common/parameters.py",
    "common/process.py": "process.py",
    "common/respawn.py": "common/respawn.py",
    "common/text/formatters.py": "common/text/formatters.py",
    "common/validation.py": "common/validation.py",
    "common/warnings.py": "common/warnings.py",
    "compat/version.py": "version.py",
    "distro.py": "distro.py",
    "errors.py": "errors.py",
    "facts/utils.py": "facts_utils.py",
    "service.py": "service.py",
    "six/__init__.py": "six.py",
    "urls.py": "urls.py",
}
MOVES = "ansible.module_utils.six.moves"


def source_of(name: str) -> str | None:
    """The text of what is carried along as `ansible.module_utils...`; None where nothing is."""
    place = name.replace(".", "/")
    for path in (place + ".py", place + "/__init__.py"):
        if path in _LIBRARY:
            return _LIBRARY[path]
        own = _FILES.get(path.partition("ansible/module_utils/")[2])
        if own:
            return (pkgutil.get_data(f"{__package__}._ansible", own) or b"").decode()
    return None


def is_package(name: str) -> bool:
    """Whether what is carried along under this name holds further modules."""
    place = f"{name.replace('.', '/')}/__init__.py"
    return place in _LIBRARY or place.partition("ansible/module_utils/")[2] in _FILES


@dataclass(frozen=True)
class _Program:
    """What `prepare` makes of the path: the module's file, and by their places what it imports."""

    file: Any
    imports: dict[str, Any]


class AnsibleModule(Action):
    """Run a module written for Ansible's own interface. A task that names a file of a `library/`, or a module of an installed collection
    that is not here, becomes this; a check cannot know what such a module would do."""

    private = False

    name: str = arg(help="The module's name.")
    path: Anything = arg(help="Its file on the controller.")
    imports: dict[str, Any] = arg(default_factory=dict, help="What it imports: path below its folder to the file; empty for an empty one.")
    arguments: dict[str, Any] = arg(default_factory=dict, help="What it is given.")
    settings: dict[str, Any] = arg(default_factory=dict, help="What the task says besides: no_log, diff, verbosity.")

    @classmethod
    def prepare(cls, args: dict[str, Any], controller: Any) -> dict[str, Any]:
        path = args.get("path")
        if not isinstance(path, str):
            return args
        beside = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(path))), "module_utils")
        names = sorted(os.listdir(beside)) if os.path.isdir(beside) else []
        files = {f"ansible/module_utils/{name}": os.path.join(beside, name) for name in names if name.endswith(".py")}
        files |= args.get("imports") or {}
        imports = {place: _sources.take(controller, file) if file else None for place, file in files.items()}
        return {**args, "path": _Program(_sources.take(controller, os.path.abspath(path)), imports), "imports": {}}

    def called(self) -> str:
        return self.name

    def certain(self) -> bool:
        return False

    def perform(self, host: Host) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="nxtplay-") as folder:
            words = self._lay_out(folder)
            path = os.pathsep.join([folder, *filter(None, [host.environ.get("PYTHONPATH")])])
            done = host.run(words, env={"PYTHONPATH": path})
        result = _answer(done)
        if result.get("failed") or ("failed" not in result and result.get("rc") not in (None, 0, "0")):
            message = str(result.pop("msg", "") or "the module failed and did not say why")
            result.pop("failed", None)
            raise Failed(message, **result)
        return {"changed": False, **result}

    def _lay_out(self, folder: str) -> list[str]:
        """The module, its arguments and what it imports, in a folder; the command that runs it."""
        program: Any = self.path
        given = {**self.arguments, "_ansible_module_name": self.name, "_ansible_check_mode": False}
        given |= {f"_ansible_{name}": value for name, value in self.settings.items()}
        source = _bytes(program.file)
        as_json = json.dumps({"ANSIBLE_MODULE_ARGS": given})
        dotted = self._of_collection()
        old = not dotted and not any(mark in source for mark in (b"ansible.module_utils", b"WANT_JSON", _JSON_ARGS))
        plain = json.dumps(given) if b"WANT_JSON" in source else as_json
        text = " ".join(f"{key}={shlex.quote(_word(value))}" for key, value in self.arguments.items()) if old else plain
        own = {f"ansible/module_utils/{place}": pkgutil.get_data(f"{__package__}._ansible", name) for place, name in _FILES.items()}
        files: dict[str, Any] = {**_LIBRARY, **own}
        files.update({place: b"" if one is None else _bytes(one) for place, one in program.imports.items()})
        place = f"{dotted.replace('.', '/')}.py" if dotted else program.file.name
        files.update({place: source.replace(_JSON_ARGS, as_json.encode()), "arguments": text})
        if dotted:  # as itself: it may import what lies beside it
            place = "start.py"
            files[place] = f"import runpy\n\nrunpy.run_module({dotted!r}, run_name='__main__')\n"
        for name, content in files.items():
            file = os.path.join(folder, name)
            os.makedirs(os.path.dirname(file), exist_ok=True)
            with open(file, "wb") as stream:
                stream.write(content.encode() if isinstance(content, str) else content)
        path = os.path.join(folder, place)
        os.chmod(path, 0o700)
        return [*_interpreter(source, program.file.name), path, os.path.join(folder, "arguments")]

    def _of_collection(self) -> str:
        """What it is to Python where it is a module of a collection; empty for another one."""
        namespace, _, rest = self.name.partition(".")
        collection, _, below = rest.partition(".")
        return f"ansible_collections.{namespace}.{collection}.plugins.modules.{below}" if below else ""


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _bytes(file: Any) -> bytes:
    return file.content if isinstance(file.content, bytes) else b"".join(file.content.chunks())


def _interpreter(source: bytes, name: str) -> list[str]:
    """What runs the file: for Python the one that runs here, else what its first line says."""
    first = source.split(b"\n", 1)[0].decode("utf-8", "replace")
    words = shlex.split(first[2:]) if first.startswith("#!") else []
    if name.endswith(".py") or (words and "python" in os.path.basename(words[-1])):
        return [sys.executable]
    return [] if words or source.startswith(b"\x7fELF") else ["/bin/sh"]


def _answer(done: Completed) -> dict[str, Any]:
    """The JSON object that a module prints; Failed where there is none."""
    lines = done.stdout.splitlines()
    for number, line in enumerate(lines):
        if line.lstrip().startswith("{"):
            text = "\n".join(lines[number:]).lstrip()
            try:
                found, end = json.JSONDecoder().raw_decode(text)
            except ValueError:
                continue
            if isinstance(found, dict):
                if text[end:].strip():
                    junk = f"the module printed more than its answer: junk after the JSON data: {text[end:].strip()}"
                    found["warnings"] = [*(found.get("warnings") or []), junk]
                return {key: value for key, value in found.items() if not key.startswith("_ansible_") and key != "invocation"}
    told = {"rc": done.rc, "module_stdout": done.stdout, "module_stderr": done.stderr}
    last = (done.stderr.strip() or done.stdout.strip() or "it printed nothing").splitlines()[-1]
    raise Failed(f"MODULE FAILURE: the module gave no answer in JSON: {last}", **told)
