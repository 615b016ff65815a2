"""The verdicts of a replay, for people and for test reports; writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from durablectl.history.verdict import Judgement, Verdict
from durablectl.render import ci
from durablectl.render.junit import report
from durablectl.render.views import Table

COLUMNS = ("instance", "orchestrator", "verdict", "confidence", "where")
_CASES = {
    Judgement.FITS: (ci.Kind.SATISFIED, "in keeping with the code"),
    Judgement.BREAKS: (ci.Kind.FAILED, "broken by the code"),
    Judgement.CANNOT_JUDGE: (ci.Kind.PENDING, "not judged"),
}


def verdicts_table(verdicts: Iterable[Verdict]) -> Table:
    """A row for each verdict; the last column says where it breaks, or why it cannot be judged."""
    return Table(COLUMNS, (_row(each) for each in verdicts))


def _row(verdict: Verdict) -> Sequence[str]:
    return (
        verdict.instance_id,
        verdict.name,
        verdict.judgement.value,
        verdict.confidence.value if verdict.confidence is not None else "",
        verdict.sentence or "; ".join(verdict.warnings),
    )


def junit_report(
    verdicts: Sequence[Verdict], *, now: datetime, hub: str, fails_unjudged: bool
) -> str:
    """The XML text: an instance a test case, and what cannot be judged is skipped unless it
    fails."""
    cases = [_case(each, fails_unjudged=fails_unjudged) for each in verdicts]
    return report("durablectl replay", cases, now=now, hub=hub)


def _case(verdict: Verdict, *, fails_unjudged: bool) -> ci.Verdict:
    kind, how = _CASES[verdict.judgement]
    if fails_unjudged and kind is ci.Kind.PENDING:
        kind = ci.Kind.FAILED
    return ci.Verdict(
        verdict.instance_id,
        verdict.name,
        how,
        0.0,
        kind,
        detail=verdict.sentence,
    )
