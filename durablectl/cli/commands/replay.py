"""`durablectl replay`: whether histories still fit the app's code; the gate before a deploy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from durablectl.cli.arguments.filters import Filters
from durablectl.cli.arguments.histories import is_file, most_bytes
from durablectl.cli.arguments.waiting import Junit
from durablectl.cli.framework import completers
from durablectl.cli.framework.exit_codes import ExitCode, faults_are_not_verdicts
from durablectl.cli.replay import sources
from durablectl.cli.replay.judging import Rules, replay_and_show
from durablectl.cli.replay.saving import folder_for
from durablectl.cli.replay.sources import Found
from durablectl.cli.session import Session
from durablectl.cli.session.targets import required
from durablectl.errors import UsageError

FAIL_ON = "cannot-judge"


def replay(
    session: Session,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE|DIR|ID]...",
            help="Files or folders of saved histories, or instances.",
            autocompletion=completers.instances,
        ),
    ] = None,
    in_flight: Annotated[
        bool, typer.Option("--in-flight", help="Every running or suspended instance of the hub.")
    ] = False,
    filters: Filters = Filters(),
    sample: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="N random instances of each orchestrator."),
    ] = None,
    save: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Keep the histories of a hub in this folder."),
    ] = None,
    junit: Junit = None,
    fail_on: Annotated[
        str | None,
        typer.Option(
            metavar=FAIL_ON,
            help="Exit with 1, too, when one cannot be judged.",
            autocompletion=completers.choices((FAIL_ON,)),
        ),
    ] = None,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Exit with 0 when there is nothing to judge.")
    ] = False,
) -> None:
    """Check that histories still fit the code of the app.

    The orchestrators of --app are run along each history; activities are not called. Reads what
    history --raw and status --history-output -o json print, arrays of func durable get-history, and
    JSON lines of these. What contains a path separator, ends in .json or .jsonl, or is a folder is
    a file; everything else names an instance. --in-flight takes the filters of list, on a hub
    that was named. The exit code is 0 when all that were judged fit, 1 when one breaks, and 2 when
    nothing was judged.

    Examples:
      durablectl replay order-7.json --app examples/orders
      durablectl replay --in-flight --context prod --app . --sample 50 --junit replay.xml
      durablectl replay histories/ -o json
    """
    with faults_are_not_verdicts():
        _check(words or [], fail_on, save, sample, filters, in_flight=in_flight)
        rules = Rules(
            allow_empty,
            fail_on is not None,
            None if junit is None else session.cwd / Path(junit).expanduser(),
            None if save is None else folder_for(session.cwd, save),
        )
        saves = save is not None
        found = (
            _in_flight(session, filters, sample, saves=saves)
            if in_flight
            else _named(session, words or [], saves=saves)
        )
        fits = replay_and_show(
            session.out,
            found,
            rules,
            session.settings.label if in_flight else "",
            load=session.registry,
            app_output=session.app.output,
        )
    if not fits:
        raise typer.Exit(ExitCode.DIFFERENT)


def _in_flight(
    session: Session, filters: Filters, sample: int | None, *, saves: bool
) -> Iterator[Found]:
    session.settings.require_named_hub("replay --in-flight")
    wanted = sources.with_history(filters.selection(session.out.detail))
    return sources.in_flight(session.hub, wanted, sample, session.out.note, saves=saves)


def _named(session: Session, words: Sequence[str], *, saves: bool) -> Iterator[Found]:
    """The histories that arguments name, files first; `UsageError` for what cannot be read."""
    for word in words:
        if is_file(word):
            yield from sources.of_file(Path(word), most_bytes(session.environ))
    if ids := [word for word in words if not is_file(word)]:
        targets = required(session, ids)
        if entities := [each for each in targets.ids if each.startswith("@")]:
            raise UsageError(f"'{entities[0]}' is an entity, which has no history to replay")
        yield from sources.fetched(targets.hub, targets.ids, session.out.note, saves=saves)


def _check(
    words: list[str],
    fail_on: str | None,
    save: str | None,
    sample: int | None,
    filters: Filters,
    *,
    in_flight: bool,
) -> None:
    if in_flight == bool(words):
        raise UsageError(
            "give either histories or --in-flight",
            hint="`durablectl replay FILE`, or `durablectl replay --in-flight`",
        )
    if not in_flight and (sample is not None or filters.are_given or filters.include_entities):
        raise UsageError("filters and --sample are for --in-flight", hint="add --in-flight")
    if fail_on is not None and fail_on != FAIL_ON:
        raise UsageError(f"--fail-on: '{fail_on}' is not '{FAIL_ON}'")
    if save == "":
        raise UsageError("--save requires a folder")
