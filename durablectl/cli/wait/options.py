"""The options of whatever can wait, as they are given; `waiting` says what they mean together."""

from __future__ import annotations

from typing import NamedTuple

from durablectl.cli.arguments.parameters import (
    All_,
    Any_,
    Count,
    FailFast,
    Interval,
    OnTimeout,
    OnTimeoutOption,
    Response,
    Timeout,
    Until,
)
from durablectl.cli.wait.ci_reports import Ci, Junit


class Waiting(NamedTuple):
    """How a wait goes, and what it leaves behind."""

    timeout: Timeout = None
    interval: Interval = None
    until: Until = None
    on_timeout: OnTimeoutOption = OnTimeout.LEAVE
    response: Response = False
    junit: Junit = None
    ci: Ci = None


class Several(NamedTuple):
    """Which of several instances a wait is for."""

    any: Any_ = False
    all: All_ = False
    count: Count = None  # type: ignore[assignment]  # hides tuple.count, which is not used
    fail_fast: FailFast = False
