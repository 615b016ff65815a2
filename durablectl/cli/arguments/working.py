"""The options of what works for a local hub: `worker`, `serve` and, while it waits, `run`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple

import typer


class Log(StrEnum):
    """How requests are written down."""

    TEXT = "text"
    JSON = "json"
    OFF = "off"


SkipTimers = Annotated[
    bool,
    typer.Option(
        "--skip-timers",
        help="Skip timers: when idle, the clock jumps to the next one (local hub).",
    ),
]
CheckReplay = Annotated[
    bool | None,
    typer.Option(
        "--replay-check/--no-replay-check",
        help="Replay each instance that ends, and warn where its code decides something else.",
    ),
]
Concurrency = Annotated[
    int, typer.Option(metavar="N", min=1, max=1024, help="Maximum number of parallel activities.")
]
Reload = Annotated[bool, typer.Option("--reload", help="Reload the app when its files change.")]


class Work(NamedTuple):
    """How a worker works."""

    concurrency: Concurrency = 32
    activity_processes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=256,
            help="Run activities that are not coroutines in N processes: for those that compute.",
        ),
    ] = None
    until_idle: Annotated[
        bool,
        typer.Option("--until-idle", help="End when nothing is left to do and no timer is set."),
    ] = False
    skip_timers: SkipTimers = False
    reload: Reload = False
    replay_check: CheckReplay = None

    @property
    def checks_replay(self) -> bool:
        return self.reload if self.replay_check is None else self.replay_check


class Serving(NamedTuple):
    """How a hub is served."""

    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="Listen on this address; one that others reach needs a key."
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        typer.Option(
            metavar="PORT", min=0, max=65535, help="Listen on this port; 0 takes a free one."
        ),
    ] = 7071
    key_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Ask clients for the key in this file."),
    ] = None
    concurrency: Concurrency = 32
    log: Annotated[Log, typer.Option(help="Format of the request log on stderr.")] = Log.TEXT
    reload: Reload = False
    grpc: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            min=0,
            max=65535,
            help="Answer gRPC clients of the Durable Task protocol on this port, too.",
        ),
    ] = None
    skip_timers: SkipTimers = False
    replay_check: CheckReplay = None
