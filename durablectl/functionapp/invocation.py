"""One call of a user's function with what its bindings add: its context, a place for each output;
knows no engine and no server.
"""

from __future__ import annotations

import functools
import inspect
import re
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from durablectl.functionapp.bindings import HTTP_OUTPUT, RETURN, Binding, Out

CONTEXT = "context"
"""The name of the parameter that is given the context; as on Azure, no other is."""

_LOCAL = threading.local()
_TRACE_PARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Where a call stands in a distributed trace (W3C)."""

    trace_parent: str
    trace_state: str
    attributes: Mapping[str, str]

    @property
    def Traceparent(self) -> str:  # noqa: N802 - the worker's older names
        return self.trace_parent

    @property
    def Tracestate(self) -> str:  # noqa: N802
        return self.trace_state

    @property
    def Attributes(self) -> Mapping[str, str]:  # noqa: N802
        return self.attributes


@dataclass(frozen=True, slots=True)
class RetryContext:
    """How often the host has tried this call before; here it never has.

    (Durable retries are calls of their own.)
    """

    retry_count: int = 0
    max_retry_count: int = 0
    exception: Any = field(
        default_factory=lambda: SimpleNamespace(source="", stack_trace="", message="")
    )


@dataclass(frozen=True, slots=True)
class Context:
    """What a function may know of its own call."""

    function_name: str
    function_directory: str
    invocation_id: str
    trace_context: TraceContext
    retry_context: RetryContext
    thread_local_storage: threading.local


@dataclass(frozen=True, slots=True)
class Target:
    """A function and what each call of it is given beside its inputs.

    `trigger` is the parameter of the trigger's value.
    """

    name: str
    directory: str
    function: Callable[..., Any]
    trigger: str
    outputs: Sequence[Binding]
    takes_context: bool
    is_http: bool

    def callable(self) -> Callable[..., Any]:
        """The function itself when its bindings add nothing, else one that is called with its
        inputs only.

        That of an HTTP function returns the response, whichever output it was set for. A call that
        fails sends nothing, as on Azure.
        """
        usual = [(RETURN, HTTP_OUTPUT)] if self.is_http else []
        is_usual = [
            (each.name, each.type) for each in self.outputs
        ] == usual and not self.takes_context
        if is_usual:
            return self.function
        return called_with(self._arguments, self.function, self._outcome)

    def _arguments(self, inputs: dict[str, Any]) -> dict[str, Any]:
        arguments = inputs | {each.name: Out() for each in self.outputs if each.name != RETURN}
        if self.takes_context:
            arguments[CONTEXT] = self._context(inputs.get(self.trigger))
        return arguments

    def _context(self, trigger: Any) -> Context:
        _LOCAL.invocation_id = invocation_id = str(uuid4())
        headers = trigger.headers if self.is_http else {}
        return Context(
            self.name, self.directory, invocation_id, _trace(headers), RetryContext(), _LOCAL
        )

    def _outcome(self, arguments: Mapping[str, Any], returned: Any) -> Any:
        """What the caller gets: an activity's result, an HTTP function's response."""
        if (
            self.is_http
            and returned is not None
            and all(each.name != RETURN for each in self.outputs)
        ):
            raise TypeError(
                f"the function '{self.name}' returned a value, and has no $return binding for it"
            )
        outcome = None if self.is_http else returned
        for output in self.outputs:
            value = returned if output.name == RETURN else arguments[output.name].get()
            if output.type == HTTP_OUTPUT and self.is_http:
                outcome = value
            elif value is not None:
                output.log(self.name, value)
        return outcome


def called_with(
    arguments: Callable[[dict[str, Any]], dict[str, Any]],
    function: Callable[..., Any],
    outcome: Callable[[Mapping[str, Any], Any], Any] = lambda _arguments, returned: returned,
) -> Callable[..., Any]:
    """The function, called with what `arguments` makes of its inputs; `outcome` makes the result of
    these and of what it returned.
    """
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def call_async(**inputs: Any) -> Any:
            given = arguments(inputs)
            return outcome(given, await function(**given))

        return call_async

    @functools.wraps(function)
    def call(**inputs: Any) -> Any:
        given = arguments(inputs)
        return outcome(given, function(**given))

    return call


def _trace(headers: Mapping[str, str]) -> TraceContext:
    """The trace of a request, or a new one; this call is a span of its own."""
    found = _TRACE_PARENT.fullmatch(headers.get("traceparent", ""))
    trace, flags = found.groups() if found else (secrets.token_hex(16), "00")
    return TraceContext(
        f"00-{trace}-{secrets.token_hex(8)}-{flags}",
        headers.get("tracestate", "") if found else "",
        {},
    )
