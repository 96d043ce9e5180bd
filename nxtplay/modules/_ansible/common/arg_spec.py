"""`ansible.module_utils.common.arg_spec`: arguments under a specification, where no module is being run."""

from __future__ import annotations

import copy
from typing import Any, Mapping

from ..errors import AnsibleValidationError, AnsibleValidationErrorMultiple, UnsupportedError
from . import arguments


class ValidationResult:
    """What came of it: the arguments as they are meant, and what is wrong."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._no_log_values: set[str] = set()
        self._unsupported_parameters: set[Any] = set()
        self._validated_parameters = copy.deepcopy(dict(parameters))
        self._deprecations: list[Any] = []
        self._warnings: list[Any] = []
        self._aliases: dict[str, str] = {}
        self.errors = AnsibleValidationErrorMultiple()

    @property
    def validated_parameters(self) -> dict[str, Any]:
        return self._validated_parameters

    @property
    def unsupported_parameters(self) -> set[Any]:
        return self._unsupported_parameters

    @property
    def error_messages(self) -> list[str]:
        return self.errors.messages


class ArgumentSpecValidator:
    """A specification to hold arguments against."""

    def __init__(
        self,
        argument_spec: dict[str, Any],
        mutually_exclusive: Any = None,
        required_together: Any = None,
        required_one_of: Any = None,
        required_if: Any = None,
        required_by: Any = None,
    ) -> None:
        self.argument_spec = argument_spec
        self._rules = (mutually_exclusive, required_together, required_one_of, required_if, required_by)

    def validate(self, parameters: Mapping[str, Any], *_: Any, **__: Any) -> ValidationResult:
        found = ValidationResult(parameters)
        noted = arguments.Noted()
        names = {spelling for name, one in self.argument_spec.items() for spelling in (name, *(one.get("aliases") or ()))}
        found._unsupported_parameters = {name for name in parameters if name not in names}
        known = {name: value for name, value in found._validated_parameters.items() if name in names}
        try:
            found._validated_parameters.update(arguments.read(self.argument_spec, known, self._rules, module="", noted=noted))
        except arguments.Wrong as wrong:
            found.errors.append(AnsibleValidationError(str(wrong)))
        if found._unsupported_parameters:
            listed, supported = ", ".join(sorted(map(str, found._unsupported_parameters))), ", ".join(sorted(self.argument_spec))
            found.errors.append(UnsupportedError(f"{listed}. Supported parameters include: {supported}."))
        found._aliases = {alias: name for name, one in self.argument_spec.items() for alias in one.get("aliases") or ()}
        found._warnings, found._deprecations = noted.warnings, noted.deprecations
        found._no_log_values = noted.secrets
        return found


class ModuleArgumentSpecValidator(ArgumentSpecValidator):
    """The same for a module's."""
