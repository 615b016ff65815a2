"""Every instance of the recorded app can be taken from `serve` into another hub: it is there what it
was, and what it has done replays.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from durablectl import connect
from durablectl.backends.importing import bundle_of_hub
from durablectl.backends.local import LocalTaskHub
from durablectl.engine.registry import Registry
from durablectl.engine.replay.guided import judge_history
from durablectl.engine.store.maintenance import check_hub
from durablectl.errors import AlreadyExists
from durablectl.functionapp.loader import load_app
from durablectl.history.exported import raw_from_json
from durablectl.model import RuntimeStatus
from durablectl.taskhub import TaskHub, list_instances
from tests.server.serving import RECORDINGS, serving
from tests.server.test_replays import STARTS

ENDING = ("countdown", "any_race", "counter_caller", "failing_grandparent", "slow_one", "retrying")


@pytest.fixture(scope="module")
def app() -> Registry:
    return load_app(RECORDINGS / "function_app.py")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaskHub]:
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, app=RECORDINGS / "function_app.py") as server:
        for name, input in STARTS.items():
            server.ask("POST", f"orchestrators/{name}/all-{name}", input)
        for name in ENDING:
            server.finished(f"all-{name}")
        with connect(server.base) as hub:
            yield hub


def test_every_instance_is_there_what_it_was(
    served: TaskHub, app: Registry, tmp_path: Path
) -> None:
    with LocalTaskHub(tmp_path / "hub.db", create=True) as hub:
        for name in STARTS:
            bundle = bundle_of_hub(served, f"all-{name}", lambda: app)
            try:
                imported = hub.import_bundle(bundle).instances
            except AlreadyExists:  # a child that two of them name
                imported = hub.import_bundle(bundle, f"copy-{name}").instances
            for each in imported:
                raw = raw_from_json(hub.raw_history(each.instance_id))
                code = app.orchestrators.get(raw.name)
                if code is not None and not each.instance_id.startswith("copy-"):
                    assert judge_history(raw, code).sentence == ""
            if imported[0].status is not RuntimeStatus.SUSPENDED:
                there = served.get_status(f"all-{name}")
                here = hub.get_status(imported[0].instance_id)
                assert (here.runtime_status, here.output) == (there.runtime_status, there.output)
        assert check_hub(hub.database, here.created_time).problems == ()
        finished = [each for each in list_instances(hub) if each.is_final]
        assert len(finished) > len(ENDING)
