"""What the hubs behind a wire have in common; knows no HTTP and no gRPC."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from durablectl.backends.retry import Pace
from durablectl.errors import InstanceNotFound, NotATaskHub, UsageError, WrongState
from durablectl.model import InstanceStatus, Page
from durablectl.quoting import command
from durablectl.taskhub import TaskHub
from durablectl.wire import json_text

Item = TypeVar("Item")
LARGEST_PAGE = 1000  # more fails on Azure Tables
SOME_EMPTY_PAGES, MOST_EMPTY_PAGES = 20, 1000


class Place(NamedTuple):
    """Where a hub is, for messages: never with a key.

    `key_hint` names what the key or token is taken from, if anything.
    """

    address: str
    task_hub: str = ""
    key_hint: str | None = None
    has_key: bool = False

    @property
    def label(self) -> str:
        return f"task hub '{self.task_hub}'" if self.task_hub else f"the task hub at {self.address}"

    def absent(self, instance_id: str) -> InstanceNotFound:
        return InstanceNotFound(
            f"no instance '{instance_id}' in {self.label}",
            hint=command("list", options=("--prefix", instance_id[:8])),
            instance_id=instance_id,
        )


class Calls(Protocol):
    """What a hub sends its requests with."""

    def until(self, deadline: float) -> Self:
        """The same, for requests that end at a time of the pace's clock."""

    def close(self) -> None: ...


class RemoteTaskHub(TaskHub):
    """A hub that answers requests."""

    _place: Place
    _calls: Calls
    _pace: Pace

    @property
    def name(self) -> str:
        return self._place.task_hub

    @property
    def address(self) -> str:
        return self._place.address

    def wait_for_completion(
        self, instance_id: str, *, timeout: float | None = None, interval: float = 1.0
    ) -> InstanceStatus:
        return self._wait(
            self, instance_id, timeout=timeout, interval=interval, clock=self._pace.clock
        )

    @property
    def _wait(self) -> Callable[..., InstanceStatus]:
        """`durablectl.polling.loop.wait_for_completion`, which a status over gRPC does not load."""
        raise NotImplementedError

    def within(self, seconds: float) -> Self:
        hub = copy(self)
        hub._calls = self._calls.until(self._pace.clock() + seconds)  # noqa: SLF001 - a copy of ours
        return hub

    def pause(self, seconds: float) -> None:
        self._pace.sleep(seconds)

    def close(self) -> None:
        self._calls.close()

    def _text(self, value: Any) -> str | None:
        """`UsageError` when JSON cannot hold the value."""
        return None if value is None else json_input(value)

    def _must_be_finished(self, instance_id: str, participle: str) -> None:
        status = self.get_status(instance_id, show_input=False).runtime_status
        if not status.is_final:
            ending = ("entity", "delete") if instance_id.startswith("@") else ("terminate",)
            raise WrongState(
                f"instance '{instance_id}' is {status.value}: only a finished one can be "
                f"{participle}",
                hint=command(*ending, instance_id),
            )


def json_input(value: Any) -> str:
    """A value as JSON text; `UsageError` when JSON cannot hold it."""
    try:
        return json_text(value, strict=True)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"this is not a JSON value: {error}") from error


def page_size(top: int) -> int:
    """The size to ask for; `UsageError` when it is not one."""
    if top < 1:
        raise UsageError(f"a page of {top} is too small")
    return min(top, LARGEST_PAGE)


def filled_page(
    place: Place,
    token: str | None,
    page_after: Callable[[str | None], Page[Item]],
    note: Callable[[str], None] = lambda _text: None,
) -> Page[Item]:
    """The next page that has anything on it, or the last one.

    A service that searches a large store for few instances sends some empty ones; one that sends
    nothing else would never end.
    """
    tokens = {token}
    for number in range(1, MOST_EMPTY_PAGES + 1):
        page = page_after(token)
        token = page.continuation_token
        if page.items or token is None:
            return page
        if token in tokens:
            raise NotATaskHub(
                f"{place.label} lists its pages in circles: it sent the same continuation token "
                "twice"
            )
        tokens.add(token)
        if number == SOME_EMPTY_PAGES:
            note(f"{place.label} has sent {number} empty pages in a row; still listing")
    raise NotATaskHub(
        f"{place.label} has sent {MOST_EMPTY_PAGES} empty pages in a row, each with the token of "
        "another one",
        hint="durablectl doctor",
    )
