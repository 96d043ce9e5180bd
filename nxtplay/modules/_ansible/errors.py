"""`ansible.module_utils.errors`: what may be wrong with arguments."""

from __future__ import annotations

from typing import Any, Iterator, Optional


class AnsibleFallbackNotFound(Exception):
    """A fallback that has nothing to offer."""


class AnsibleValidationError(Exception):
    """One thing that is wrong."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.error_message = message

    @property
    def msg(self) -> Any:
        return self.args[0]


class AnsibleValidationErrorMultiple(AnsibleValidationError):
    """All that is wrong."""

    def __init__(self, errors: Optional[list[AnsibleValidationError]] = None) -> None:
        super().__init__("")
        self.errors = list(errors or ())

    def __getitem__(self, key: int) -> AnsibleValidationError:
        return self.errors[key]

    def __iter__(self) -> Iterator[AnsibleValidationError]:
        return iter(self.errors)

    def __len__(self) -> int:
        return len(self.errors)

    @property
    def msg(self) -> Any:
        return self.errors[0].args[0] if self.errors else ""

    @property
    def messages(self) -> list[str]:
        return [error.msg for error in self.errors]

    def append(self, error: AnsibleValidationError) -> None:
        self.errors.append(error)

    def extend(self, errors: "AnsibleValidationErrorMultiple") -> None:
        self.errors.extend(errors.errors)


_KINDS = (
    "AliasError ArgumentTypeError ArgumentValueError DeprecationError ElementError MutuallyExclusiveError NoLogError "
    "RequiredByError RequiredDefaultError RequiredError RequiredIfError RequiredOneOfError RequiredTogetherError SubParameterTypeError "
)
for _name in _KINDS.split():
    globals()[_name] = type(_name, (AnsibleValidationError,), {"__module__": __name__})


class UnsupportedError(AnsibleValidationError):
    """An argument that is not of the specification."""
