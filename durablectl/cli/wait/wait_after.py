"""After a batch of requests: waiting until what was asked for is so.

Sends no request of its own but looks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from durablectl.cli.arguments.waiting import Waiting
from durablectl.cli.framework.at_hub import AtHub
from durablectl.cli.wait.wait import AT_ONCE, GRACE, watch_over
from durablectl.model import InstanceStatus
from durablectl.polling.loop import WaitRules
from durablectl.render.sanitize import safe_line
from durablectl.render.views import duration_text

TOLD = 10


def wait_until_so(
    at: AtHub, ids: Sequence[str], waiting: Waiting, is_so: Callable[[InstanceStatus], bool]
) -> bool:
    """Wait until it is so for all; False, with those that are left told, when it is not in time.

    The expression of `waiting` is what `wait --until` takes for it.
    """
    rules = WaitRules(
        waiting.timeout,
        waiting.interval or 1.0,
        grace=GRACE,
        show_input=False,
        until=is_so,
        at_once=AT_ONCE,
    )
    seen, trouble = watch_over(at, ids, rules, ids, waiting)
    left = [instance_id for instance_id, status in seen.items() if not rules.is_finished(status)]
    if not left:
        return True
    after = duration_text(waiting.timeout or 0)
    reason = f" (the last answer: {trouble.message})" if trouble is not None else ""
    at.out.error(
        f"timed out after {after}: not so yet for {len(left)} of {len(ids)} instances{reason}"
    )
    for instance_id in left[:TOLD]:
        at.out.talk(f"  {safe_line(instance_id)}")
    return False
