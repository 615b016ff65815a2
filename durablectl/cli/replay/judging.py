"""Replay each history against the app, and report the verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from durablectl.cli.replay.saving import save
from durablectl.cli.replay.sources import Found
from durablectl.engine.registry import Orchestrator, Registry
from durablectl.engine.replay.guided import judge_history
from durablectl.engine.worker.app_output import CURRENT_INSTANCE, REPEATING, AppOutput
from durablectl.errors import UsageError, reason_of
from durablectl.history.saved import History
from durablectl.history.verdict import Judgement, Verdict
from durablectl.polling.threads import start_thread
from durablectl.render.app_output import capture_output
from durablectl.render.output import Output
from durablectl.render.replays import junit_report, verdicts_table
from durablectl.render.terminal.tables import show_found

LONGEST = 60.0
"""Seconds that the replay of one history may take."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the verdicts lead to.

    `fails_unjudged` lets what cannot be judged fail, `allows_empty` lets a replay of nothing pass.
    """

    allows_empty: bool = False
    fails_unjudged: bool = False
    junit: Path | None = None
    folder: Path | None = None


def replay_and_show(
    out: Output,
    found: Iterable[Found],
    rules: Rules,
    hub: str,
    *,
    load: Callable[[], Registry],
    app_output: AppOutput,
) -> bool:
    """Replay and show the verdicts as they come; False when one breaks. `UsageError` when there was
    nothing to judge.
    """
    kept: list[Verdict] = []

    def verdicts() -> Iterator[Verdict]:
        registry = load()
        for each in found:
            if rules.folder is not None and each.document is not None:
                save(rules.folder, each.history.instance_id, each.document)
            kept.append(_verdict(registry, app_output, each))
            yield kept[-1]

    show_found(
        out,
        verdicts(),
        table=verdicts_table,
        json=lambda each: each.to_json(),
        id=lambda each: None if each.fits else each.instance_id,
    )
    if rules.junit is not None:
        _write_junit(rules.junit, kept, hub, fails_unjudged=rules.fails_unjudged)
    return _conclude(out, kept, rules)


def _verdict(registry: Registry, app_output: AppOutput, found: Found) -> Verdict:
    history = found.history
    reason = "" if history.name else "its history is empty: it has not started yet"
    if reason := found.reason or reason:
        return Verdict(history.instance_id, history.name, Judgement.CANNOT_JUDGE, reason=reason)
    orchestrator = registry.orchestrators.get(history.name)
    if orchestrator is None:
        return Verdict(
            history.instance_id,
            history.name,
            Judgement.BREAKS,
            event=0,
            expected=f"orchestrator '{history.name}'",
            got="has none of this name",
            place=registry.app,
        )
    with capture_output(app_output):
        return judged(history, orchestrator)


def judged(history: History, orchestrator: Orchestrator, *, longest: float = LONGEST) -> Verdict:
    """The verdict on one history, in `longest` seconds at most: a gate must not wait for code that
    does not yield.
    """
    found: list[Verdict | BaseException] = []

    def judge() -> None:
        CURRENT_INSTANCE.set(REPEATING)  # what it prints it has printed before
        try:
            found.append(judge_history(history, orchestrator))
        except BaseException as error:
            found.append(error)

    start_thread(judge, name="replay").join(longest)
    if not found:
        reason = f"the replay of its code takes longer than {longest:g} s"
        return Verdict(history.instance_id, history.name, Judgement.CANNOT_JUDGE, reason=reason)
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]


def _conclude(out: Output, verdicts: list[Verdict], rules: Rules) -> bool:
    counts = Counter(each.judgement for each in verdicts)
    summary = _summary(counts)
    out.note(summary)
    if counts[Judgement.BREAKS] or (counts[Judgement.CANNOT_JUDGE] and rules.fails_unjudged):
        if not out.is_text:
            out.error(summary)
        return False
    if counts[Judgement.FITS] or rules.allows_empty:
        return True
    if not verdicts:
        raise UsageError(
            "there is no history to replay", hint="--allow-empty lets a replay of nothing pass"
        )
    what = "it cannot be judged" if len(verdicts) == 1 else f"none of {len(verdicts)} can be judged"
    raise UsageError(
        what,
        hint="save histories with their inputs and outputs: durablectl status ID "
        "--history-output -o json",
    )


def _summary(counts: Counter[Judgement]) -> str:
    total = counts.total()
    if not total:
        return "replayed nothing"
    fits, breaks = counts[Judgement.FITS], counts[Judgement.BREAKS]
    parts = [f"{fits} {'fits' if fits == 1 else 'fit'}"]
    if breaks:
        parts.append(f"{breaks} {'breaks' if breaks == 1 else 'break'}")
    if unjudged := counts[Judgement.CANNOT_JUDGE]:
        parts.append(f"{unjudged} cannot be judged")
    return f"replayed {total} {'history' if total == 1 else 'histories'}: {', '.join(parts)}"


def _write_junit(path: Path, verdicts: list[Verdict], hub: str, *, fails_unjudged: bool) -> None:
    text = junit_report(verdicts, now=datetime.now(UTC), hub=hub, fails_unjudged=fails_unjudged)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"the JUnit report could not be written to {path}: {reason_of(error)}"
        ) from error
