"""The names that plugins written for Ansible import from it, in our own words, for controllers without it."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import importlib
import importlib.abc
import importlib.machinery
import os
import sys
import tempfile
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nxtplay.modules._ansible.common.validation import TRUE, TYPES
from nxtplay.modules.ansible_module import is_package, source_of


class AnsibleError(Exception):
    """Any failure of a plugin."""

    def __init__(self, message: str = "", *rest: Any, **more: Any) -> None:
        super().__init__(message)
        self.message = str(message)


class AnsibleAction(AnsibleError):
    """The end of an action plugin; `result` is what is registered of it."""

    def __init__(self, message: str = "", *rest: Any, result: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__(message)
        self.result = dict(result or {})


_ERRORS = (
    "AnsibleAssertionError AnsibleFilterError AnsibleFilterTypeError AnsibleLookupError AnsibleOptionsError AnsibleParserError "
    "AnsibleConnectionFailure AnsibleFileNotFound AnsibleModuleError "
    "AnsiblePluginError AnsibleRuntimeError AnsibleTemplateError AnsibleUndefinedVariable AnsibleTypeError AnsibleValueError"
)
_ENDS = "AnsibleActionFail AnsibleActionSkip _AnsibleActionDone"

_CONSTANTS = {
    "BOOLEANS_TRUE": TRUE,
    "DEFAULT_LOCAL_TMP": tempfile.gettempdir(),
    "DEFAULT_REMOTE_TMP": "~/.ansible/tmp",
    "DEFAULT_TIMEOUT": 10,
    "MAX_FILE_SIZE_FOR_DIFF": 104448,
    "COLOR_CHANGED": "yellow",
    "COLOR_DEBUG": "dark gray",
    "COLOR_ERROR": "red",
    "COLOR_OK": "green",
    "COLOR_VERBOSE": "blue",
    "COLOR_WARN": "bright purple",
}


class Loader:
    """What lookup plugins ask of the loader of files."""

    def get_basedir(self) -> str:
        return os.getcwd()

    def path_exists(self, path: str) -> bool:
        return os.path.exists(path)

    def is_file(self, path: str) -> bool:
        return os.path.isfile(path)

    def is_directory(self, path: str) -> bool:
        return os.path.isdir(path)

    def path_dwim(self, given: str) -> str:
        return os.path.abspath(os.path.expanduser(given))

    def path_dwim_relative(self, path: str, dirname: str, source: str, is_role: bool = False) -> str:
        """The file below the folder of its kind, or beside it; where there is neither, the first."""
        places = [os.path.join(path, dirname, source), os.path.join(path, source)]
        return next((place for place in places if os.path.exists(place)), places[0])


class AnsiblePlugin:
    """What has options: given, else by a variable or the environment, as its documentation says, else as a default there."""

    _documentation = ""

    def __init__(self) -> None:
        self._options: dict[str, Any] = {}
        self._variables: Any = {}

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Mapping[str, Any] | None = None) -> None:
        self._variables = var_options or {}
        self._options = dict(direct or {})

    def set_option(self, option: str, value: Any) -> None:
        self._options[option] = value

    def get_option(self, name: str, hostvars: Any = None) -> Any:
        spec = self._declared().get(name) or {}
        value = self._options[name] if name in self._options else self._found(spec)
        kind = str(spec.get("type") or "str")
        return value if value is None or kind in ("str", "raw") or kind not in TYPES else TYPES[kind](value)

    def _found(self, spec: Mapping[str, Any]) -> Any:
        for one in spec.get("vars") or ():
            if one.get("name") in self._variables:
                return self._variables[one["name"]]
        for one in spec.get("env") or ():
            if one.get("name") in os.environ:
                return os.environ[one["name"]]
        return spec.get("default")

    def get_options(self, hostvars: Any = None) -> dict[str, Any]:
        return {name: self.get_option(name) for name in {**self._declared(), **self._options}}

    def has_option(self, name: str) -> bool:
        return name in self._options or name in self._declared()

    def _declared(self) -> Mapping[str, Any]:
        return declared(self._documentation)


@functools.cache
def declared(documentation: str) -> Mapping[str, Any]:
    """The options that a plugin's documentation and the fragments that it names speak of."""
    from nxtplay.template.filters_codec import FILTERS

    about = FILTERS["from_yaml"](documentation or "{}") or {}
    fragments = about.get("extends_documentation_fragment") or ()
    texts = [_fragment(str(name)) for name in ([fragments] if isinstance(fragments, str) else fragments)]
    found: dict[str, Any] = {}
    for options in (*((FILTERS["from_yaml"](text) or {}).get("options") or {} for text in texts), about.get("options") or {}):
        for name, spec in options.items():
            found[name] = {**found.get(name, {}), **(spec or {})}
    return found


def _fragment(name: str) -> str:
    """The text of `namespace.collection.fragment`, or of its part `namespace.collection.fragment.part`; empty where there is none."""
    namespace, collection, fragment, part = [*name.split("."), "", "", "", ""][:4]
    try:
        place = importlib.import_module(f"ansible_collections.{namespace}.{collection}.plugins.doc_fragments.{fragment}")
    except ImportError:
        return "{}"
    return str(getattr(place.ModuleDocFragment, (part or "documentation").upper(), "{}"))


class LookupBase(AnsiblePlugin):
    """What a lookup plugin is made from."""

    def __init__(self, loader: Any = None, templar: Any = None, **_: Any) -> None:
        super().__init__()
        self._loader, self._templar = loader or Loader(), templar

    def get_basedir(self, variables: Any) -> str:
        return str(variables["role_path"] if "role_path" in variables else variables.get("playbook_dir", "."))

    def find_file_in_search_path(self, variables: Any, dirname: str, filename: str, ignore_missing: bool = False) -> str | None:
        for folder in [*variables.get("ansible_search_path", ()), self.get_basedir(variables)]:
            for path in (os.path.join(folder, dirname, filename), os.path.join(folder, filename)):
                if os.path.exists(path):
                    return path
        if ignore_missing:
            return None
        raise AnsibleError(f"could not find {filename}")

    @staticmethod
    def _flatten(terms: Any) -> list[Any]:
        out: list[Any] = []
        for one in terms:
            out += one if isinstance(one, (list, tuple)) else [one]
        return out


_ear: contextvars.ContextVar[tuple[Callable[[str, str], None], int] | None] = contextvars.ContextVar("ear", default=None)


@contextlib.contextmanager
def heard(say: Callable[[str, str], None], verbosity: int) -> Iterator[None]:
    """While it lasts, what plugins of this thread display is said: `say(level, text)`, levels as those of a Notice."""
    token = _ear.set((say, verbosity))
    try:
        yield
    finally:
        _ear.reset(token)


class Display:
    """Messages of plugins; they go nowhere unless somebody listens."""

    @property
    def verbosity(self) -> int:
        ear = _ear.get()
        return ear[1] if ear else 0

    def _say(self, level: str, text: Any, needed: int = 0) -> None:
        ear = _ear.get()
        if ear and ear[1] >= needed:
            ear[0](level, str(text))

    def display(self, msg: Any, *_: Any, **__: Any) -> None:
        self._say("note", msg)

    banner = display

    def warning(self, msg: Any, *_: Any, **__: Any) -> None:
        self._say("warning", msg)

    def error(self, msg: Any, *_: Any, **__: Any) -> None:
        self._say("warning", msg)

    def deprecated(self, msg: Any, *_: Any, **__: Any) -> None:
        self._say("deprecated", msg)

    def verbose(self, msg: Any, host: Any = None, caplevel: int = 2) -> None:
        self._say("note" if caplevel < 2 else "debug", msg, caplevel + 1)

    def v(self, msg: Any, host: Any = None) -> None:
        self.verbose(msg, caplevel=0)

    def vv(self, msg: Any, host: Any = None) -> None:
        self.verbose(msg, caplevel=1)

    def vvv(self, msg: Any, host: Any = None) -> None:
        self.verbose(msg, caplevel=2)

    def vvvv(self, msg: Any, host: Any = None) -> None:
        self.verbose(msg, caplevel=3)

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: None


class _Utils(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """`ansible.module_utils`, the same that modules find on hosts."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith("ansible.module_utils") or source_of(fullname) is None:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=is_package(fullname))

    def exec_module(self, module: types.ModuleType) -> None:
        exec(compile(source_of(module.__name__) or "", f"<{module.__name__}>", "exec"), vars(module))


def install() -> None:
    """Put the names where `import` finds them; does nothing the second time."""
    if "ansible" in sys.modules:
        return
    errors: dict[str, type] = {"AnsibleError": AnsibleError, "AnsibleAction": AnsibleAction}
    errors |= {name: type(name, (AnsibleError,), {}) for name in _ERRORS.split()}
    errors |= {name: type(name, (AnsibleAction,), {}) for name in _ENDS.split()}
    modules: dict[str, dict[str, Any]] = {
        "ansible": {"__version__": "2.19.0"},
        "ansible.errors": errors,
        "ansible.release": {"__version__": "2.19.0"},
        "ansible.constants": {"config": types.SimpleNamespace(DEPRECATED=[], WARNINGS=set()), **_CONSTANTS},
        "ansible.plugins": {"AnsiblePlugin": AnsiblePlugin},
        "ansible.plugins.lookup": {"LookupBase": LookupBase, "display": Display()},
        "ansible.utils": {},
        "ansible.utils.display": {"Display": Display},
        "ansible.utils.listify": {"listify_lookup_plugin_terms": lambda terms, *_, **__: terms if isinstance(terms, list) else [terms]},
    }
    sys.meta_path.append(_Utils())
    offer(modules)


def offer(modules: Mapping[str, Mapping[str, Any]]) -> None:
    """Have these names be importable modules with these values, in front of others of the name."""
    for name, values in modules.items():
        module = types.ModuleType(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
        module.__path__ = []
        vars(module).update(values)
        sys.modules[name] = module
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(importlib.import_module(parent), last, module)
