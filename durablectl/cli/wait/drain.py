"""Waiting until nothing is in flight: what is looked at, when it is drained, and what is told.

Changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from durablectl.cli.arguments.filters import Selection
from durablectl.cli.wait.ci_reports import annotate
from durablectl.errors import DurablectlError, WaitTimeout
from durablectl.model import IN_FLIGHT, InstanceFilter, InstanceStatus
from durablectl.polling.loop import LAST_LOOK, poll
from durablectl.render import views
from durablectl.render.output import Output
from durablectl.render.query import compiled
from durablectl.render.terminal.displays import Troubles, text_display
from durablectl.render.terminal.selection import show_chosen
from durablectl.taskhub import TaskHub

IN_A_ROW = 2
Left = dict[str, InstanceStatus]


@dataclass(frozen=True, slots=True)
class Drain:
    """Which instances hold the gate: the selection without the excluded orchestrators; at most
    `allow` of them may be left.
    """

    selection: Selection
    excluded: frozenset[str]
    snapshot: bool = False
    allow: int = 0

    @classmethod
    def of(
        cls,
        name: str | None,
        excluded: Sequence[str],
        where: str | None,
        *,
        snapshot: bool,
        allow: int,
    ) -> Drain:
        """The options as they were given."""
        selection = Selection(
            InstanceFilter(IN_FLIGHT, name), None if where is None else compiled(where)
        )
        return cls(selection, frozenset(each.lower() for each in excluded), snapshot, allow)

    def find(self, hub: TaskHub) -> Left:
        """Those that are in flight now."""
        found = (
            each for each in self.selection.find(hub) if each.name.lower() not in self.excluded
        )
        return {each.instance_id: each for each in found}


@dataclass(slots=True)
class _Gate:
    """What the looks have found: how often in a row it was drained, those left by the last one, and
    how many were ever looked at.
    """

    wanted: Drain
    hub: TaskHub
    out: Output
    troubles: Troubles
    show: Callable[[str], None]
    held: frozenset[str] | None = None
    left: Left | None = None
    seen: set[str] = field(default_factory=set)
    in_a_row: int = 0

    def look(self, hub: TaskHub, _elapsed: float) -> DurablectlError | None:
        try:
            found = self.wanted.find(hub)
        except DurablectlError:
            self.in_a_row = 0
            raise
        self.troubles.answered()
        is_first = self.held is None
        if self.held is None:
            self.held = frozenset(found) if self.wanted.snapshot else frozenset()
        self.left = {
            each: found[each] for each in found if not self.wanted.snapshot or each in self.held
        }
        self.seen.update(self.left)
        is_low = len(self.left) <= self.wanted.allow
        self.in_a_row = self.in_a_row + 1 if is_low else 0
        if is_first and not is_low and not hub.has_worker():
            self.out.warn(
                "no worker is running on this hub, so nothing in flight will finish; start one "
                "with `durablectl worker`"
            )
        self.show(f"{len(self.left)} in flight, {len(self.seen) - len(self.left)} gone")
        return None

    def is_drained(self) -> bool:
        return self.in_a_row >= IN_A_ROW

    def trouble(self, error: DurablectlError) -> None:
        self.troubles.failed(error.message)


def drain_and_show(
    out: Output,
    hub: TaskHub,
    label: str,
    wanted: Drain,
    *,
    timeout: float | None,
    interval: float,
    environ: Mapping[str, str],
) -> bool:
    """Wait, and tell what is left; whether it is drained, and not out of time. `label` names the
    hub.
    """
    with text_display(out, "looking") as show:
        gate = _Gate(wanted, hub, out, Troubles(out), show)
        try:
            trouble = _wait(gate, timeout, interval)
        except WaitTimeout as error:
            annotate(out, environ, "drain timed out", error.message)
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
        _doubt(out, gate, label)
        return True
    after = views.duration_text(timeout or 0)
    reason = f" (the last answer: {trouble.message})" if trouble is not None else ""
    text = _in_flight(gate.left)
    out.error(f"timed out after {after}: {text}, of {len(gate.seen)} checked{reason}")
    annotate(out, environ, "drain timed out", f"{text} after {after}")
    return False


def _wait(gate: _Gate, timeout: float | None, interval: float) -> DurablectlError | None:
    """Until it is drained or the time is up; what went wrong with the last look then, if anything
    did.
    """
    is_over, trouble = poll(
        gate.hub,
        gate.look,
        gate.is_drained,
        timeout=timeout,
        interval=interval,
        on_trouble=gate.trouble,
        has_seen=lambda: gate.left is not None,
    )
    if not is_over and gate.in_a_row:  # the time is up between the two looks
        try:
            return gate.look(gate.hub.within(LAST_LOOK), 0.0)
        except DurablectlError as error:
            return error
    return trouble


def _doubt(out: Output, gate: _Gate, label: str) -> None:
    """A task hub whose name is mistyped answers like an empty one: say so when there is nothing at
    all.
    """
    if gate.seen:
        return
    try:
        is_empty = not any(
            True for _ in gate.hub.list_page(InstanceFilter(include_entities=True), top=1)
        )
    except DurablectlError:
        return
    if is_empty:
        out.warn(
            f"the {label} shows no instance at all, finished or not: is that the one you mean?"
        )


def _in_flight(left: Left | None) -> str:
    if left is None:
        return "how many instances are in flight is not known"
    return f"{'1 instance is' if len(left) == 1 else f'{len(left)} instances are'} in flight"
