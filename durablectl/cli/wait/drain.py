"""Waiting until nothing is in flight: what is looked at, when it is drained, and what is told.

Changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from durablectl.cli.arguments.filters import Selection
from durablectl.cli.framework.at_hub import AtHub
from durablectl.cli.wait.ci_reports import annotate
from durablectl.cli.wait.wait import warn_without_timeout
from durablectl.errors import DurablectlError, WaitTimeout
from durablectl.model import InstanceFilter, InstanceStatus
from durablectl.polling.loop import LAST_LOOK, last_answer, poll
from durablectl.render import views
from durablectl.render.output import Output
from durablectl.render.terminal.displays import Troubles, text_display
from durablectl.render.terminal.instances import show_chosen
from durablectl.taskhub import TaskHub

IN_A_ROW = 2
Left = dict[str, InstanceStatus]


@dataclass(frozen=True, slots=True)
class Drain:
    """Which instances hold the gate: the selection without the excluded orchestrators, whose names
    are in lower case; at most `allow` of them may be left.
    """

    selection: Selection
    excluded: frozenset[str]
    snapshot: bool
    allow: int

    def find(self, hub: TaskHub) -> Left:
        """Those that are in flight now."""
        found = self.selection.find(hub)
        return {each.instance_id: each for each in found if each.name.lower() not in self.excluded}


@dataclass(slots=True)
class _Gate:
    """What the looks have found: how often in a row it was drained, those left by the last one, and
    how many were ever looked at.
    """

    wanted: Drain
    out: Output
    show: Callable[[str], None]
    troubles: Troubles
    left: Left | None = None
    seen: set[str] = field(default_factory=set)
    in_a_row: int = 0

    def look(self, hub: TaskHub, _elapsed: float) -> None:
        try:
            found = self.wanted.find(hub)
        except DurablectlError:
            self.in_a_row = 0
            raise
        self.troubles.answered()
        is_first = self.left is None
        if self.wanted.snapshot and not is_first:
            found = {each: found[each] for each in found if each in self.seen}
        self.left = found
        self.seen.update(found)
        is_low = len(found) <= self.wanted.allow
        self.in_a_row = self.in_a_row + 1 if is_low else 0
        if is_first and not is_low and not hub.has_worker():
            self.out.warn(
                "no worker is running on this hub, so nothing in flight will finish; start one "
                "with `durablectl worker`"
            )
        self.show(f"{len(found)} in flight, {len(self.seen) - len(found)} gone")

    def is_drained(self) -> bool:
        return self.in_a_row >= IN_A_ROW


def drain_and_show(
    at: AtHub, label: str, wanted: Drain, *, timeout: float | None, interval: float
) -> bool:
    """Wait, and tell what is left; whether it is drained, and not out of time. `label` names the
    hub.
    """
    out = at.out
    warn_without_timeout(at, timeout, "drain")
    with text_display(out, "looking") as show:
        gate = _Gate(wanted, out, show, Troubles(out))
        try:
            trouble = _wait(at.hub, gate, timeout, interval)
        except WaitTimeout as error:
            annotate(out, at.environ, "drain timed out", error.message)
            raise
        except KeyboardInterrupt as error:
            out.error(f"{str(error) or 'interrupted'}; {_in_flight(gate.left)}")
            raise
    left = list((gate.left or {}).values())
    if left or not out.is_text:
        show_chosen(out, left)
    if gate.is_drained():
        rest = f", {len(left)} of them left, within --allow {wanted.allow}" if left else ""
        out.note(f"drained: {label}; checked {len(gate.seen)} in flight{rest}")
        if not gate.seen:
            _doubt(out, at.hub, label)
        return True
    after = views.duration_text(timeout or 0)
    text = _in_flight(gate.left)
    out.error(f"timed out after {after}: {text}, of {len(gate.seen)} checked{last_answer(trouble)}")
    annotate(out, at.environ, "drain timed out", f"{text} after {after}")
    return False


def _wait(
    hub: TaskHub, gate: _Gate, timeout: float | None, interval: float
) -> DurablectlError | None:
    """Until it is drained or the time is up; what went wrong with the last look then, if anything
    did.
    """
    is_over, trouble = poll(
        hub,
        gate.look,
        gate.is_drained,
        timeout=timeout,
        interval=interval,
        on_trouble=gate.troubles.failed,
        has_seen=lambda: gate.left is not None,
    )
    if not is_over and gate.in_a_row:  # the time is up between the two looks
        try:
            gate.look(hub.within(LAST_LOOK), 0.0)
        except DurablectlError as error:
            return error
    return trouble


def _doubt(out: Output, hub: TaskHub, label: str) -> None:
    """A task hub whose name is mistyped answers like an empty one: say so when there is nothing at
    all.
    """
    with suppress(DurablectlError):
        if not hub.list_page(InstanceFilter(include_entities=True), top=1).items:
            out.warn(
                f"the {label} shows no instance at all, finished or not: is that the one you mean?"
            )


def _in_flight(left: Left | None) -> str:
    if left is None:
        return "how many instances are in flight is not known"
    return f"{'1 instance is' if len(left) == 1 else f'{len(left)} instances are'} in flight"
