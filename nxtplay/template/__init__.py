"""Templates to values: typed Jinja, filters, tests, lookups; compile once; unknown values travel through."""

from nxtplay.template.lazy import finish
from nxtplay.template.names import Names, names
from nxtplay.template.render import Templates, View
from nxtplay.template.values import OMIT, Encrypted, Omit, Unsafe, drop_omitted, is_template, needs_rendering

__all__ = [
    "OMIT",
    "Encrypted",
    "Names",
    "Omit",
    "Templates",
    "Unsafe",
    "View",
    "drop_omitted",
    "finish",
    "is_template",
    "names",
    "needs_rendering",
]
