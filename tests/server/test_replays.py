"""What `serve` shows of every instance of the recorded app's orchestrators fits their code."""

from __future__ import annotations

import pytest

from durablectl import connect
from durablectl.backends.local import LocalTaskHub
from durablectl.engine.registry import Registry
from durablectl.engine.replay.guided import judge_history
from durablectl.functionapp.loader import load_app
from durablectl.history.exported import raw_from_json
from durablectl.history.saved import ServiceHistory
from durablectl.history.verdict import Verdict
from durablectl.taskhub import TaskHub, list_instances
from tests.recordings import replay
from tests.server.serving import RECORDINGS, serving

SCENARIOS = replay.load(RECORDINGS)
STARTS: dict[str, object] = {
    "hello_cities": None, "fan_out": 7, "approval": None, "late_event": None, "two_events": None,
    "sleeper": 0.2, "slow_one": 0.1, "failing": None, "throwing": None, "retrying": None,
    "unknown_activity": None, "flaky": "a", "flaky_parent": "b", "parent": None,
    "failing_parent": None, "parent_auto": None, "parent_slow": 0.2, "grandparent": None,
    "failing_grandparent": None, "ticks": 0, "any_race": None, "event_or_timeout": 0.2,
    "two_waiters": None, "catches": None, "status_then_fail": None, "retry_ok": "c",
    "fan_mixed": None, "times": None, "countdown": 2, "counter_caller": "d", "echo": 1,
}  # fmt: skip
"""Every orchestrator of the recorded app, with its input."""


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Verdict]]:
    """Of each orchestrator's instances, from the HTTP API and from the file."""
    folder = tmp_path_factory.mktemp("hub")
    app = load_app(RECORDINGS / "function_app.py")
    found: dict[str, list[Verdict]] = {}
    with serving(folder, app=RECORDINGS / "function_app.py") as server:
        for name in sorted(SCENARIOS):
            if not SCENARIOS[name].get("fresh"):
                replay.run(SCENARIOS[name], server.base, "", hub="local", connection="Storage")
        for name, input in STARTS.items():
            server.ask("POST", f"orchestrators/{name}/all-{name}", input)
        for event in ("Approve", "X", "Tick"):
            for name in ("approval", "late_event", "two_events", "two_waiters", "ticks"):
                server.ask("POST", f"instances/all-{name}/raiseEvent/{event}", 1)
        for name in ("countdown", "any_race", "counter_caller", "failing_grandparent", "slow_one"):
            server.finished(f"all-{name}")
        with connect(server.base) as served, LocalTaskHub(folder / "hub.db") as local:
            for status in list(list_instances(served)):
                if status.runtime_status.value != "Pending":
                    found.setdefault(status.name, []).extend(
                        _judged(served, local, app, status.instance_id)
                    )
    return found


def _judged(served: TaskHub, local: LocalTaskHub, app: Registry, instance_id: str) -> list[Verdict]:
    shown = served.get_status(instance_id, show_history=True, show_history_output=True)
    code = app.orchestrators.get(shown.name)
    if code is None:
        return []
    raw = raw_from_json(local.raw_history(instance_id))
    return [judge_history(ServiceHistory.of(shown), code), judge_history(raw, code)]


def test_every_instance_of_the_recorded_scenarios_fits(
    verdicts: dict[str, list[Verdict]],
) -> None:
    assert [each for found in verdicts.values() for each in found if not each.fits] == []
    assert set(verdicts) >= set(STARTS)
    assert sum(map(len, verdicts.values())) > 100


def test_nothing_is_warned_of(verdicts: dict[str, list[Verdict]]) -> None:
    assert [each for found in verdicts.values() for each in found if each.warnings] == []
