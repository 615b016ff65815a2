"""What a filter selects, and what is left out of it, for the user to look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from durablectl import wire
from durablectl.model import InstanceStatus, utc_now
from durablectl.render import views
from durablectl.render.output import Output
from durablectl.render.sanitize import safe_line
from durablectl.render.terminal.tables import show_found

FIRST = 10


def show_chosen(out: Output, chosen: Iterable[InstanceStatus]) -> int:
    """Print instances and return how many they are; on a terminal the first ten, and of more how
    many of each orchestrator and status.
    """
    counted: Counter[tuple[str, str]] = Counter()

    def each() -> Iterator[InstanceStatus]:
        for status in chosen:
            counted[status.name, status.runtime_status.value] += 1
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
        for (name, status), number in counted.most_common(FIRST):
            out.note(f"  {number:>6}  {safe_line(name)}  {status}")
    return counted.total()


def tell_skipped(out: Output, skipped: Mapping[str, str]) -> None:
    """Say of each why it was skipped, of many how many."""
    if len(skipped) <= FIRST:
        for instance_id, why in skipped.items():
            out.note(f"{why}: {instance_id}")
    else:
        for why, count in Counter(skipped.values()).most_common():
            out.note(f"{why}: {count} instances")
