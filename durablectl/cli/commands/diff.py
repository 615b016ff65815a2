"""`durablectl diff`: how two executions differ."""

from __future__ import annotations

from typing import Annotated

import typer

from durablectl.backends.saving import whole_history
from durablectl.cli.arguments.histories import is_file, saved_histories
from durablectl.cli.arguments.input import STDIN
from durablectl.cli.framework.completers import instances
from durablectl.cli.framework.exit_codes import ExitCode, faults_are_not_verdicts
from durablectl.cli.session import Session
from durablectl.cli.session.choosing import wanted
from durablectl.errors import UsageError
from durablectl.history.difference import compare
from durablectl.history.saved import History
from durablectl.render.difference import instances_table, steps_table, verdict
from durablectl.render.terminal.tables import show_table

HELP = "An instance (ID, URL, @FILE, -), or the file of a saved history."


def diff(
    session: Session,
    a: Annotated[str, typer.Argument(metavar="A", help=HELP, autocompletion=instances)],
    b: Annotated[str, typer.Argument(metavar="B", help=HELP, autocompletion=instances)],
) -> None:
    """Show how two instances differ, step by step.

    Steps are aligned by kind, name and number of occurrence. Each line has the durations on both
    sides, and what differs: inputs and results as JSON paths, outcomes, attempts, order. A file is
    what contains a path separator or ends in .json: what `history ID --raw` or `status ID
    --history-output -o json` wrote. The exit code is 0 when they are equal, 1 when they differ, and
    2 or more when they cannot be compared. Durations are not compared.

    Examples:
      durablectl diff order-7 order-8
      durablectl diff order-7.json order-7 -o json
    """
    with faults_are_not_verdicts():
        if a == b == STDIN:
            raise UsageError("standard input can be read only once", hint="name '-' once")
        found = compare(_named_history(session, a), _named_history(session, b))
        for note in found.notes:
            session.out.note(note)
        if not session.out.is_text:
            session.out.show("", found.to_json())
            if not found.is_equal:
                session.out.error("they differ")
        else:
            show_table(session.out, instances_table(found))
            session.out.data("")
            show_table(session.out, steps_table(found))
            session.out.data(f"\n{verdict(found)}")
    if not found.is_equal:
        raise typer.Exit(ExitCode.DIFFERENT)


def _named_history(session: Session, word: str) -> History:
    """The history that an argument names: complete where the hub or the file has all of it."""
    if is_file(word):
        found = saved_histories(word, session.environ)
        if len(found) > 1:
            raise UsageError(f"{word} holds {len(found)} histories", hint="name a file with one")
        return found[0]
    targets = wanted(session, [word])
    if len(targets.ids) > 1:
        raise UsageError(f"'{word}' names {len(targets.ids)} instances", hint="name one")
    hub, instance_id = targets.hub, targets.ids[0]
    if instance_id.startswith("@"):
        raise UsageError(f"'{instance_id}' is an entity, which has no steps to compare")
    return whole_history(hub, instance_id)
