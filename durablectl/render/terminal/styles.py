"""How statuses look on a terminal, in Rich's words for styles."""

from __future__ import annotations

from durablectl.model import RuntimeStatus

STYLES = {
    RuntimeStatus.PENDING: "dim",
    RuntimeStatus.RUNNING: "cyan",
    RuntimeStatus.CONTINUED_AS_NEW: "cyan",
    RuntimeStatus.SUSPENDED: "magenta",
    RuntimeStatus.COMPLETED: "green",
    RuntimeStatus.FAILED: "bold red",
    RuntimeStatus.TERMINATED: "yellow",
    RuntimeStatus.CANCELED: "yellow",
}
