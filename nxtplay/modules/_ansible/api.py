"""`ansible.module_utils.api`: what modules that speak to an interface over HTTP have in common."""

from __future__ import annotations

import functools
import random
import time
from typing import Any, Callable, Iterable, Iterator, Optional

Function = Callable[..., Any]


def rate_limit_argument_spec(spec: Optional[dict[str, Any]] = None) -> dict[str, Any]:
    return {"rate": {"type": "int"}, "rate_limit": {"type": "int"}, **(spec or {})}


def retry_argument_spec(spec: Optional[dict[str, Any]] = None) -> dict[str, Any]:
    return {"retries": {"type": "int"}, "retry_pause": {"type": "float", "default": 1}, **(spec or {})}


def basic_auth_argument_spec(spec: Optional[dict[str, Any]] = None) -> dict[str, Any]:
    own = {
        "api_username": {"type": "str"},
        "api_password": {"type": "str", "no_log": True},
        "api_url": {"type": "str"},
        "validate_certs": {"type": "bool", "default": True},
    }
    return {**own, **(spec or {})}


def generate_jittered_backoff(retries: int = 10, delay_base: int = 3, delay_threshold: int = 60) -> Iterator[int]:
    """Seconds to wait before each further try: random, from a range that doubles."""
    for retry in range(retries):
        yield random.randint(0, min(delay_threshold, delay_base * 2**retry))


def retry_never(exception_or_result: Any) -> bool:
    return False


def retry_with_delays_and_condition(
    backoff_iterator: Iterable[float], should_retry_error: Optional[Callable[[Any], bool]] = None
) -> Callable[[Function], Function]:
    """Calls again, with these waits, as long as what was raised is one to be tried again."""
    delays, again = list(backoff_iterator), should_retry_error or retry_never

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            for delay in delays:
                try:
                    return function(*args, **kwargs)
                except Exception as error:
                    if not again(error):
                        raise
                time.sleep(delay)
            return function(*args, **kwargs)

        return call

    return decorate
