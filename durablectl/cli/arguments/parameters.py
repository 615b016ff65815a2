"""The arguments and options that several commands share, each declared once."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import typer

from durablectl.cli.framework import app_completers, completers
from durablectl.config.quantities import parse_duration, parse_interval, parse_rate

Instances = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[ID|URL|@FILE|-]...",
        help="Instance ids, status URLs, @FILE (payloads, statuses, ids or URLs), or - for "
        "standard input.",
        autocompletion=completers.instances,
    ),
]
Instance = Annotated[
    str | None,
    typer.Argument(
        metavar="[ID|URL|@FILE|-]",
        help="The instance.",
        autocompletion=completers.instances,
    ),
]
Orchestrator = Annotated[
    str,
    typer.Argument(
        metavar="ORCHESTRATOR",
        help="The orchestrator's name.",
        autocompletion=app_completers.orchestrators,
    ),
]
Last = Annotated[
    bool, typer.Option("--last", help="The instance that you started last in this hub.")
]
FromFiles = Annotated[
    list[str] | None,
    typer.Option("--from", metavar="FILE", help="The same as @FILE; may be given several times."),
]

Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        "-t",
        metavar="DURATION",
        parser=parse_duration,
        help="Stop waiting after this time (exit 124).",
    ),
]
Interval = Annotated[
    float | None,
    typer.Option(
        "--interval",
        metavar="DURATION",
        parser=parse_interval,
        help="Polling interval; polls faster at first (default: 1s).",
    ),
]
Reason = Annotated[
    str | None,
    typer.Option(
        "--reason",
        metavar="TEXT",
        help="Why, for the history (default: the user, or the CI run's address).",
    ),
]
IgnoreFinished = Annotated[
    bool,
    typer.Option("--ignore-finished", help="Ignore instances that have already finished."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Confirm = Annotated[
    str | None,
    typer.Option(
        "--confirm",
        metavar="NAME",
        help="Name of the hub; required with --yes in a protected context.",
    ),
]
Concurrency = Annotated[
    int | None,
    typer.Option(
        "--concurrency",
        metavar="N",
        min=1,
        max=64,
        help="Maximum number of parallel requests (default: 8; 1 on a local hub).",
    ),
]
Rate = Annotated[
    float | None,
    typer.Option(
        "--rate", metavar="N", parser=parse_rate, help="Maximum number of instances per second."
    ),
]
MaxFailures = Annotated[
    int | None, typer.Option("--max-failures", metavar="N", min=1, help="Stop after N failures.")
]


class Pace(NamedTuple):
    """How quickly a batch goes, and when it stops."""

    concurrency: Concurrency = None
    rate: Rate = None
    max_failures: MaxFailures = None


class How(NamedTuple):
    """How a command goes about many instances."""

    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Change nothing, show what would be done; -o id feeds a second call."
        ),
    ] = False
    yes: Yes = False
    confirm: Confirm = None
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Maximum number of instances; run the command again for the next ones.",
        ),
    ] = None
    concurrency: Concurrency = None
    rate: Rate = None
    max_failures: MaxFailures = None
    ignore_not_found: Annotated[
        bool, typer.Option("--ignore-not-found", help="Ignore instances that do not exist.")
    ] = False
    include_children: Annotated[
        bool,
        typer.Option(
            "--include-children",
            help="Sub-orchestrations with ids of the service's own (<guid>:<n>) too.",
        ),
    ] = False
