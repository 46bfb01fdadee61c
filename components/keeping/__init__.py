"""A home over the years: backup and restore, and what may go when it is old."""

from components.keeping.backup import Backup, back_up, default_name
from components.keeping.in_use import alone, leave, use
from components.keeping.prune import KINDS, LOSES, Kind, Pruned, prune
from components.keeping.restore import restore

__all__ = [
    "KINDS",
    "LOSES",
    "Backup",
    "Kind",
    "Pruned",
    "alone",
    "back_up",
    "default_name",
    "leave",
    "prune",
    "restore",
    "use",
]
