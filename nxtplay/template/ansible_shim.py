"""The names that plugins written for Ansible import from it, in our own words, for controllers without it."""

from __future__ import annotations

import importlib.machinery
import os
import sys
import types
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any


class AnsibleError(Exception):
    """Any failure of a plugin."""

    def __init__(self, message: str = "", *rest: Any, **more: Any) -> None:
        super().__init__(message)
        self.message = str(message)


_ERRORS = (
    "AnsibleFilterError AnsibleFilterTypeError AnsibleLookupError AnsibleOptionsError AnsibleParserError AnsiblePluginError "
    "AnsibleRuntimeError AnsibleTemplateError AnsibleUndefinedVariable AnsibleTypeError AnsibleValueError"
)


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


class LookupBase:
    """What a lookup plugin is made from."""

    _documentation = ""

    def __init__(self, loader: Any = None, templar: Any = None, **_: Any) -> None:
        self._loader, self._templar = loader or Loader(), templar
        self._options: dict[str, Any] = {}
        self._variables: Any = {}

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Mapping[str, Any] | None = None) -> None:
        self._variables = var_options or {}
        self._options = dict(direct or {})

    def get_option(self, name: str, hostvars: Any = None) -> Any:
        if name in self._options:
            return self._options[name]
        spec = self._declared().get(name) or {}
        for one in spec.get("vars") or ():
            if one.get("name") in self._variables:
                return self._variables[one["name"]]
        for one in spec.get("env") or ():
            if one.get("name") in os.environ:
                return os.environ[one["name"]]
        return spec.get("default")

    def get_options(self) -> dict[str, Any]:
        return {name: self.get_option(name) for name in {**self._declared(), **self._options}}

    def has_option(self, name: str) -> bool:
        return name in self._options or name in self._declared()

    def _declared(self) -> Mapping[str, Any]:
        from nxtplay.template.filters_codec import FILTERS

        found = FILTERS["from_yaml"](self._documentation or "{}")
        return (found or {}).get("options") or {}

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


class Display:
    """Messages of plugins; they go nowhere."""

    verbosity = 0

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: None


def to_text(value: Any, encoding: str = "utf-8", errors: str | None = None, nonstring: str = "simplerepr") -> Any:
    if isinstance(value, bytes):
        return value.decode(encoding, "surrogateescape")
    return value if isinstance(value, str) or nonstring == "passthru" else str(value)


def to_bytes(value: Any, encoding: str = "utf-8", errors: str | None = None, nonstring: str = "simplerepr") -> Any:
    if isinstance(value, bytes) or (nonstring == "passthru" and not isinstance(value, str)):
        return value
    return str(value).encode(encoding, "surrogateescape")


def boolean(value: Any, strict: bool = True) -> bool:
    text = str(value).strip().lower()
    if text in ("yes", "on", "1", "true", "t", "y", "1.0"):
        return True
    if strict and text not in ("no", "off", "0", "false", "f", "n", "0.0"):
        raise TypeError(f"'{value}' is not a valid boolean")
    return False


def is_string(value: Any) -> bool:
    return isinstance(value, (str, bytes))


def is_iterable(value: Any, include_strings: bool = False) -> bool:
    return hasattr(value, "__iter__") and (include_strings or not is_string(value))


def is_sequence(value: Any, include_strings: bool = False) -> bool:
    return isinstance(value, Sequence) and (include_strings or not is_string(value))


def install() -> None:
    """Put the names where `import` finds them; does nothing the second time."""
    if "ansible" in sys.modules:
        return
    errors = {"AnsibleError": AnsibleError, **{name: type(name, (AnsibleError,), {}) for name in _ERRORS.split()}}
    texts = {"to_text": to_text, "to_native": to_text, "to_bytes": to_bytes}
    kinds = {"Mapping": Mapping, "MutableMapping": MutableMapping, "Sequence": Sequence, "MutableSequence": MutableSequence}
    six = {
        "string_types": (str,),
        "integer_types": (int,),
        "text_type": str,
        "binary_type": bytes,
        "PY2": False,
        "PY3": True,
        "iteritems": lambda mapping: iter(mapping.items()),
        "itervalues": lambda mapping: iter(mapping.values()),
        "iterkeys": iter,
        "raise_from": _raise_from,
    }
    modules: dict[str, dict[str, Any]] = {
        "ansible": {"__version__": "2.19.0"},
        "ansible.errors": errors,
        "ansible.release": {"__version__": "2.19.0"},
        "ansible.plugins": {},
        "ansible.plugins.lookup": {"LookupBase": LookupBase, "display": Display()},
        "ansible.module_utils": {},
        "ansible.module_utils._text": texts,
        "ansible.module_utils.common": {},
        "ansible.module_utils.common.text": {},
        "ansible.module_utils.common.text.converters": texts,
        "ansible.module_utils.common._collections_compat": kinds,
        "ansible.module_utils.common.collections": {"is_string": is_string, "is_iterable": is_iterable, "is_sequence": is_sequence},
        "ansible.module_utils.parsing": {},
        "ansible.module_utils.parsing.convert_bool": {"boolean": boolean},
        "ansible.module_utils.six": six,
        "ansible.utils": {},
        "ansible.utils.display": {"Display": Display},
    }
    for name, values in modules.items():
        module = types.ModuleType(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
        module.__path__ = []
        vars(module).update(values)
        sys.modules[name] = module
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], last, module)


def _raise_from(error: BaseException, cause: BaseException | None) -> None:
    raise error from cause
