"""One command with its session: what holds for every command, however its line was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from durablectl.cli.framework.command_table import WITH_CSV
from durablectl.cli.session import Session, open_session
from durablectl.cli.session.command_lines import on_same_hub
from durablectl.errors import DurablectlError, UsageError
from durablectl.render.ending import Ending
from durablectl.render.output import OutputFormat


@contextmanager
def invocation(ending: Ending | None, given: Mapping[str, object], name: str) -> Iterator[Session]:
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
        error.hint = error.hint and on_same_hub(session, error.hint)
        raise
    finally:
        session.close()
