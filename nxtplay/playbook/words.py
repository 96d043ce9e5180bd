"""The arguments of the words that the engine carries out itself, declared as those of modules are."""

from __future__ import annotations

from typing import Any, Literal

from nxtplay.core.resource import Args, arg, exclusive, one_of
from nxtplay.core.types import Raw


class Assert(Args):
    """Fails unless all conditions hold."""

    that: list[Raw] = arg(help="Conditions.")
    fail_msg: Raw | None = arg(None, help="Said when one does not hold.", aliases=["msg"])
    success_msg: Raw | None = arg(None, help="Said when all hold.")
    quiet: bool = arg(False, help="Whether to say nothing when all hold.")


class Debug(Args):
    """Shows a text or a variable."""

    msg: Raw | None = arg(None, help="What to show.")
    var: Raw | None = arg(None, help="The expression whose value to show.")
    verbosity: int = arg(0, help="Shown only with at least as many -v.")
    rules = (exclusive("msg", "var"),)


class Fail(Args):
    """Fails with a message."""

    msg: Raw = arg("Failed as requested from task", help="The message.")


class GroupBy(Args):
    """Puts hosts into groups named by a template."""

    key: str = arg(help="The group's name.")
    parents: list[str] = arg(default_factory=list, help="The groups it belongs to.")


class ImportRole(Args):
    """A role, read before there are hosts."""

    name: str = arg(help="The role.", aliases=["role"])
    tasks_from: str | None = arg(None, help="Its file of tasks instead of main.")
    vars_from: str | None = arg(None, help="Its file of variables instead of main.")
    defaults_from: str | None = arg(None, help="Its file of defaults instead of main.")
    handlers_from: str | None = arg(None, help="Its file of handlers instead of main.")
    allow_duplicates: bool = arg(True, help="Whether it may run again with the same parameters.")
    public: bool | None = arg(None, help="Whether the rest of the play sees its variables.")
    rolespec_validate: bool = arg(True, help="Whether its argument specification is checked.")


class IncludeRole(ImportRole):
    """A role, brought in while the play runs."""

    apply: Raw | None = arg(None, help="Keywords for its tasks.")


class ImportTasks(Args):
    """A file of tasks, read before there are hosts."""

    file: str = arg(help="The file.")


class IncludeTasks(ImportTasks):
    """A file of tasks, brought in while the play runs."""

    apply: Raw | None = arg(None, help="Keywords for its tasks.")


class IncludeVars(Args):
    """Variables from a file or a directory."""

    file: str | None = arg(None, help="The file.")
    dir: str | None = arg(None, help="The directory.")
    name: str | None = arg(None, help="One variable that takes them all as a mapping.")
    depth: int = arg(0, help="How deep to go below the directory; 0: all the way.")
    files_matching: str | None = arg(None, help="Only files whose name matches this regular expression.")
    ignore_files: list[str] = arg(default_factory=list, help="Names to leave out.")
    extensions: list[str] = arg(default_factory=list, help="Endings to take.")
    ignore_unknown_extensions: bool = arg(False, help="Whether files with other endings are passed over.")
    hash_behaviour: Literal["replace", "merge"] | None = arg(None, help="What becomes of mappings that are there already.")
    rules = (exclusive("file", "dir"), one_of("file", "dir"))


class Pause(Args):
    """Waits for a time or for somebody."""

    seconds: float | None = arg(None, help="Seconds to wait.")
    minutes: float | None = arg(None, help="Minutes to wait.")
    prompt: str | None = arg(None, help="What to ask.")
    echo: bool = arg(True, help="Whether what is typed is shown.")
    rules = (exclusive("seconds", "minutes"),)


class SetStats(Args):
    """Values for the summary of the run."""

    data: Raw = arg(help="A mapping of values.")
    per_host: Raw = arg(False, help="Whether they are kept by host; what is no truth value is false.")
    aggregate: Raw = arg(True, help="Whether they are added to what is there.")


class ValidateArgumentSpec(Args):
    """Checks variables against a specification."""

    argument_spec: dict[str, Any] = arg(help="The specification.")
    provided_arguments: dict[str, Any] = arg(default_factory=dict, help="The values.")
    validate_args_context: Raw | None = arg(None, help="Where the specification comes from.")


class Meta(Args):
    """An order to the engine."""

    free_form = "order"
    order: Literal[
        "flush_handlers",
        "end_play",
        "end_host",
        "end_batch",
        "end_role",
        "clear_facts",
        "clear_host_errors",
        "refresh_inventory",
        "reset_connection",
        "noop",
    ] = arg(help="What to do.")


# words that are not here take any argument: set_fact and add_host name variables
class Reboot(Args):
    """Restarts the machine and waits until it is back."""

    reboot_timeout: int = arg(600, help="Seconds to wait until it is back.", aliases=["reboot_timeout_sec"])
    pre_reboot_delay: int = arg(0, help="Seconds before it goes down, in whole minutes.", aliases=["pre_reboot_delay_sec"])
    post_reboot_delay: int = arg(0, help="Seconds to wait once it is back.", aliases=["post_reboot_delay_sec"])
    connect_timeout: int | None = arg(None, help="Seconds for one try to reach it.", aliases=["connect_timeout_sec"])
    test_command: str = arg("whoami", help="The command that has to succeed before the play goes on.")
    reboot_command: str | None = arg(None, help="What restarts it, instead of shutdown.")
    boot_time_command: str = arg("cat /proc/sys/kernel/random/boot_id", help="A command whose output is another one after a restart.")
    msg: str = arg("Reboot initiated by nxtplay", help="What those who are logged in are told.")
    search_paths: list[str] = arg(default_factory=list, help="Where shutdown is looked for.")


class WaitForConnection(Args):
    """Waits until the host can be reached and its Python answers."""

    delay: int = arg(0, help="Seconds before the first try.")
    sleep: int = arg(1, help="Seconds between two tries.")
    timeout: int = arg(600, help="Seconds after which it fails.")
    connect_timeout: int = arg(5, help="Seconds for one try.")


ARGS: dict[str, type[Args]] = {
    "assert": Assert,
    "debug": Debug,
    "fail": Fail,
    "group_by": GroupBy,
    "import_role": ImportRole,
    "import_tasks": ImportTasks,
    "include_role": IncludeRole,
    "include_tasks": IncludeTasks,
    "include_vars": IncludeVars,
    "meta": Meta,
    "pause": Pause,
    "reboot": Reboot,
    "set_stats": SetStats,
    "validate_argument_spec": ValidateArgumentSpec,
    "wait_for_connection": WaitForConnection,
}

# those that take more than they could declare, in a sentence
OPEN = {
    "add_host": "Adds a host for the plays that follow: `name`, `groups` it belongs to, and any variables besides.",
    "import_playbook": "Plays of another file; beside it stand `name`, `vars`, `when` and `tags`.",
    "set_fact": "Sets variables of the host, each key a name; `cacheable: true` keeps them as facts too.",
}

# arguments that are expressions by themselves, without {{ }}
EXPRESSIONS = {"assert": ("that",), "debug": ("var",)}
