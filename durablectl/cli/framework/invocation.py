"""One command with its session: what holds for every command, however its line was read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from durablectl.cli.framework.command_table import GROUPS, WITH_CSV
from durablectl.cli.session import Session, open_session
from durablectl.cli.session.targets import selectors
from durablectl.errors import DurablectlError, UsageError
from durablectl.quoting import quoted
from durablectl.render.ending import Ending
from durablectl.render.output import OutputFormat


@contextmanager
def invocation(given: Mapping[str, object], ending: Ending | None, name: str) -> Iterator[Session]:
    """The session of the command `name`, closed at the end, for the global flags that were `given`.

    `UsageError` for a form of output that the command does not have.
    """
    session = open_session(given, ending)
    if session.out.format is OutputFormat.CSV and name not in WITH_CSV:
        raise UsageError(
            f"'{name}' has no CSV", hint=f"-o csv is for {', '.join(sorted(WITH_CSV))}"
        )
    try:
        yield session
    except DurablectlError as error:
        error.hint = _on_same_hub(session, error.hint)
        raise
    finally:
        session.close()


def _on_same_hub(session: Session, hint: str | None) -> str | None:
    """A hub's hint, which knows no flags: a command in it that changes something is for the same
    hub.
    """
    verb = re.match(r"durablectl ([a-z-]+)(?= )", hint or "")
    if (
        hint is None
        or verb is None
        or verb[1] not in {*GROUPS["Control"]} - {"entity"}
        or re.search(r" --(hub|context)\b", hint)
    ):
        return hint
    return (
        " ".join([verb[0], *map(quoted, selectors(session, *session.led_to))]) + hint[verb.end() :]
    )
