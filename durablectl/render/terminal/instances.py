"""Instances on stdout: their statuses in the wanted form, and what a filter selects, for the user
to look at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from durablectl import wire
from durablectl.model import InstanceDetails, InstanceStatus, utc_now
from durablectl.render import views
from durablectl.render.output import Output, OutputFormat
from durablectl.render.sanitize import safe_line
from durablectl.render.terminal.tables import show_details, show_found, show_table

FIRST = 10
Kind = tuple[str, str]


def statuses_json(statuses: Sequence[InstanceStatus], *, single: bool) -> object:
    """The service's JSON of one status, or of several as an array."""
    shown = [wire.status_to_json(status) for status in statuses]
    return shown[0] if single and shown else shown


def show_statuses(
    out: Output,
    statuses: Sequence[InstanceStatus],
    *,
    single: bool,
    show_input: bool = True,
    waiting: Callable[[InstanceStatus], views.Rows] = lambda _status: (),
    more: Callable[[InstanceStatus], InstanceDetails | None] = lambda _status: None,
) -> None:
    """Print the status of one instance or of several, with the histories that they have; on a
    terminal also what they wait for, and with --verbose what `more` tells of them.
    """
    if out.format is OutputFormat.ID:
        out.ids(status.instance_id for status in statuses)
    elif not out.is_text:
        out.show("", statuses_json(statuses, single=single))
    else:
        for number, status in enumerate(statuses):
            if number:
                out.data("")
            details = views.instance(
                status,
                show_input=show_input,
                traceback=out.verbose,
                more=more(status) if out.verbose else None,
            )
            if out.is_terminal:
                details = details._replace(rows=(*details.rows, *waiting(status)))
            show_details(out, details)
            if status.history is not None:
                out.data("")
                show_table(out, views.history(status.history))


def show_chosen(out: Output, chosen: Iterable[InstanceStatus]) -> int:
    """Print instances, on a terminal the first ten, then how many of each orchestrator and status;
    return how many they are.
    """
    counted: Counter[Kind] = Counter()

    def each() -> Iterator[InstanceStatus]:
        for status in chosen:
            counted[kind_of(status)] += 1
            yield status

    found = each()
    show_found(
        out,
        islice(found, FIRST) if out.is_rich else found,
        table=(lambda items: views.recent([*items], utc_now())) if out.is_rich else views.instances,
        json=wire.status_to_json,
        id=lambda status: status.instance_id,
    )
    for _ in found:  # what is only counted
        pass
    if out.is_rich and counted.total() > FIRST:
        out.note(f"and {counted.total() - FIRST} more; -o id or -o json shows all. In all:")
    tell_counts(out, counted)
    return counted.total()


def kind_of(status: InstanceStatus) -> Kind:
    """Its orchestrator and its status."""
    return status.name, status.runtime_status.value


def tell_counts(out: Output, counted: Counter[Kind]) -> None:
    """Say how many there are of each orchestrator and status, the most first."""
    for (name, status), number in counted.most_common(FIRST):
        out.note(f"  {number:>6}  {safe_line(name)}  {status}")
    if len(counted) > FIRST:
        rest = counted.total() - sum(number for _, number in counted.most_common(FIRST))
        out.note(f"  {rest:>6}  others")


def tell_skipped(out: Output, skipped: Mapping[str, str]) -> None:
    """Say of each why it was skipped, of many how many."""
    if len(skipped) <= FIRST:
        for instance_id, why in skipped.items():
            out.note(f"{why}: {instance_id}")
    else:
        for why, count in Counter(skipped.values()).most_common():
            out.note(f"{why}: {count} instances")
