"""What the real service answered is what `serve` answers, but for the deviations that are declared
with their reasons."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.recordings import replay
from tests.server.serving import RECORDINGS, Served, serving

KEY = "a-key.of_ours=="
SCENARIOS = replay.load(RECORDINGS)
DEVIATIONS: dict[str, str] = json.loads((Path(__file__).parent / "deviations.json").read_text())
FRESH = sorted(name for name, scenario in SCENARIOS.items() if scenario.get("fresh"))
SHARED = sorted(set(SCENARIOS) - set(FRESH))


def declared(name: str) -> set[str]:
    return {step.partition(" / ")[2] for step in DEVIATIONS if step.startswith(f"{name} / ")}


def differences(name: str, served: Served) -> dict[str, list[str]]:
    return replay.run(SCENARIOS[name], served.base, KEY, hub="local", connection="Storage")


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "key"
    path.touch(0o600)
    path.write_text(KEY + "\n")
    return path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, key_file: Path):
    with serving(
        tmp_path_factory.mktemp("hub"),
        "--key-file",
        str(key_file),
        app=RECORDINGS / "function_app.py",
    ) as server:
        yield server


@pytest.mark.parametrize("name", SHARED)
def test_every_recorded_answer_is_given_again(name, served):
    found = differences(name, served)
    assert set(found) == declared(name), found


@pytest.mark.parametrize("name", FRESH)
def test_every_answer_about_a_whole_hub_is_given_again(name, tmp_path, key_file):
    with serving(
        tmp_path, "--key-file", str(key_file), app=RECORDINGS / "function_app.py"
    ) as server:
        found = differences(name, server)
    assert set(found) == declared(name), found


def test_every_declared_deviation_is_of_a_recorded_step_and_has_a_reason():
    steps = {
        f"{name} / {number} {step['name']}"
        for name, each in SCENARIOS.items()
        for number, step in enumerate(each["steps"], 1)
    }
    assert set(DEVIATIONS) <= steps
    assert all(len(reason) > 20 for reason in DEVIATIONS.values())
