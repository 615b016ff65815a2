"""One round of looking at many instances: each by itself, or those in flight by paging the list;
decides nothing, waits for nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial

from durablectl.errors import DurablectlError, HubBusy, NotATaskHub, ServiceError, Unreachable
from durablectl.model import IN_FLIGHT, InstanceFilter, InstanceStatus
from durablectl.taskhub import TaskHub

MANY = 20  # one page of a listing costs about as much as this many statuses
LARGEST_PAGE = 1000
Look = tuple[str, InstanceStatus | DurablectlError]


def poll_each(
    hub: TaskHub, instance_ids: Sequence[str], *, show_input: bool, at_once: int = 1
) -> Iterator[Look]:
    """The status of each, or the error instead, `at_once` of them at a time; ends after one that
    shows that the service does not answer.
    """
    get_status = partial(hub.get_status, show_input=show_input)
    if at_once == 1 or len(instance_ids) == 1:
        for instance_id in instance_ids:
            try:
                yield instance_id, get_status(instance_id)
            except DurablectlError as error:
                yield instance_id, error
                if isinstance(error, Unreachable | HubBusy):
                    return
        return
    # deferred: looking at one needs no threads
    from durablectl.polling.parallel import Runner, each_by_itself

    runner = Runner(instance_ids, each_by_itself(get_status), concurrency=at_once)
    try:
        for outcome in runner:
            answer = outcome.error or outcome.result
            if not isinstance(answer, InstanceStatus | DurablectlError):
                raise outcome.error or TypeError("no status")
            yield outcome.item, answer
            if isinstance(answer, Unreachable | HubBusy):
                runner.stop()
    finally:
        runner.stop()
        list(runner.drain(0))


class InFlight:
    """Finds those of many instances that are still in flight by paging the list, for as long as
    that is cheaper than asking for each.
    """

    def __init__(self) -> None:
        self._pays = True

    def find(
        self, hub: TaskHub, instance_ids: Sequence[str], *, show_input: bool
    ) -> dict[str, InstanceStatus]:
        """Their statuses, none when asking for each is cheaper.

        What is missing has ended, is not shown yet, or moved meanwhile.
        """
        most = len(instance_ids) // MANY
        if not self._pays or not most:
            return {}
        wanted, found = set(instance_ids), dict[str, InstanceStatus]()
        prefix, token = os.path.commonprefix(list(instance_ids)), None  # noqa: RUF071 - these are ids, not paths
        filter = InstanceFilter(IN_FLIGHT, prefix=prefix)
        for _ in range(most):
            try:
                page = hub.list_page(
                    filter, show_input=show_input, top=LARGEST_PAGE, continuation_token=token
                )
            except (NotATaskHub, ServiceError):
                break
            found.update(
                (status.instance_id, status)
                for status in page
                if status.instance_id in wanted and not status.is_final
            )
            if (token := page.continuation_token) is None:
                return found
        self._pays = False
        return {}
