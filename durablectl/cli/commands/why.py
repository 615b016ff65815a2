"""`durablectl why`: what an instance waits for, why it failed, where its time went."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from durablectl import quoting
from durablectl.backends.explaining import explain_instance
from durablectl.cli.arguments.parameters import Instance, Last
from durablectl.cli.session import Session
from durablectl.cli.session.choosing import wanted_one
from durablectl.explanation.model import Next
from durablectl.render.terminal.why import show_explanation


def why(session: Session, instance: Instance = None, last: Last = False) -> None:
    """Explain what an instance waits for, why it failed, or where its time went.

    Of a running instance it shows what it waits for and until when, down to the sub-orchestration
    that blocks it. With the app at hand it names events and the lines of the code: on a local hub
    that is the app that the settings name, on a remote one that of --app. Of a failed instance it
    shows the innermost cause and how it came up; of one that was suspended or terminated, when and
    why; of a completed one, the steps that took longest. Then it names the command to run next.
    What could not be found out is said. The exit code is 0 for every instance that exists.

    Examples:

      durablectl why order-7

      durablectl why order-7 --app examples/orders

      durablectl why order-7 -o json --query waitingFor
    """
    hub, instance_id = wanted_one(session, instance, "why explains one instance", last=last)
    hint = (
        session.app_hint
        if session.settings.app is None
        else _as_typed(session, session.settings.app)
    )
    made = explain_instance(hub, instance_id, session.app_of(hub), app_hint=hint)

    def line(command: Next) -> str:
        if "--app" in command.options and command.words == ("worker",):
            # of another app, beside which another hub would be found
            flags = ("--hub", _as_typed(session, session.settings.require_hub()))
            return quoting.command("worker", options=(*flags, *command.options))
        of_instance = hub if len(command.words) > 1 else None
        return session.command_line(*command.words, options=command.options, hub=of_instance)

    if session.out.is_text:
        show_explanation(session.out, made, datetime.now(UTC), line)
    else:
        session.out.show("", made.to_json(line), id=instance_id)


def _as_typed(session: Session, path: Path) -> str:
    """The path as a person would type it here: a long one breaks on a narrow terminal."""
    return str(path.relative_to(session.cwd) if path.is_relative_to(session.cwd) else path)
