"""What the command line asks of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from nxtplay.core.frozen import frozen

if TYPE_CHECKING:
    from nxtplay.engine.factcache import FactCache


@frozen
class Options:
    """`None` and empty mean: not said on the command line. Durations are seconds."""

    check: bool = False
    diff: bool = False
    forks: int = 5
    verbosity: int = 0
    tags: tuple[str, ...] = ()  # none: everything that is not tagged `never`
    skip_tags: tuple[str, ...] = ()
    limit: str = ""  # a host pattern
    extra_vars: Mapping[str, Any] = field(default_factory=dict)
    start_at_task: str = ""
    step: bool = False
    batch: bool = True  # tasks that do not wait for one another travel together
    force_handlers: bool = False
    flush_cache: bool = False
    # how hosts are reached; inventory variables are stronger than all of these but the passwords
    user: str | None = None
    port: int | None = None
    connection: str | None = None
    timeout: int | None = None  # to connect
    private_key: str | None = None
    password: str | None = field(default=None, repr=False)
    ssh_args: str | None = None
    ssh_common_args: str | None = None
    ssh_extra_args: str | None = None
    ssh_executable: str | None = None
    ssh_retries: int | None = None
    host_key_checking: str | None = None
    interpreter: str | None = None
    become: bool | None = None
    become_user: str | None = None
    become_method: str | None = None
    become_exe: str | None = None
    become_flags: str | None = None
    become_password: str | None = field(default=None, repr=False)
    task_timeout: int | None = None
    collections_path: tuple[str, ...] = ()  # where `ansible_collections/` lies
    module_paths: tuple[str, ...] = ()  # folders with modules, beside every `library/`
    action_paths: tuple[str, ...] = ()  # folders with action plugins, beside every `action_plugins/`
    config_file: str = ""  # the configuration that was read
    # what plays do not say themselves
    gathering: str = "implicit"  # or explicit, smart
    strategy: str = "linear"
    any_errors_fatal: bool = False
    error_on_missing_handler: bool = True
    host_pattern_mismatch: str = "warning"  # or error, ignore: of a play whose pattern matches nobody
    no_log: bool = False
    deprecation_warnings: bool = True
    merge: bool = False  # mappings of one name on several levels are one mapping
    fact_cache: FactCache | None = None
