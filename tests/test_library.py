"""The library as its users write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from durablectl import connect
from durablectl.errors import InstanceNotFound, UsageError
from durablectl.model import InstanceFilter

APP = """
from durablectl import df
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def order(context):
    paid = yield context.wait_for_external_event("Paid")
    return [context.get_input()["id"], paid["by"]]

@app.orchestration_trigger(context_name="context")
def double(context):
    return context.get_input() * 2
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "function_app.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    for name in ("DURABLECTL_HUB", "DURABLECTL_CONTEXT", "DURABLECTL_APP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def test_a_hub_beside_the_app_is_found_and_worked_on_while_it_is_waited_for(project: Path) -> None:
    with connect() as hub:
        run = hub.start("order", {"id": 7})
        hub.raise_event(run.id, "Paid", {"by": "ada"})
        status = hub.wait_for_completion(run.id, timeout=30)
    assert status.output == [7, "ada"]
    assert (project / ".durablectl" / ".gitignore").read_text() == "*\n"


def test_an_app_is_worked_for_while_a_start_waits_for_its_end(project: Path) -> None:
    with connect() as hub:
        assert hub.create_and_wait("double", 21, timeout=30, interval=0.1).output == 42


def test_reading_makes_no_hub(project: Path) -> None:
    with connect() as hub:
        assert list(hub.list_page(InstanceFilter())) == []
        with pytest.raises(InstanceNotFound):
            hub.get_status("o-1")
        assert not (project / ".durablectl").exists()
        hub.start("order", instance_id="o-1")
        assert hub.get_status("o-1").instance_id == "o-1"


def test_a_named_file_is_made(project: Path) -> None:
    with connect(project / "other.db") as hub:
        assert hub.start("order", {"id": 1}, instance_id="o-1").id == "o-1"
    assert (project / "other.db").exists()


def test_an_address_is_a_remote_hub(project: Path) -> None:
    with connect("https://orders.example.invalid", key="secret") as hub:
        assert hub.address.startswith("https://orders.example.invalid")
        assert "secret" not in repr(hub)


def test_no_hub_at_all_is_said(tmp_path: Path, project: Path) -> None:
    (project / "function_app.py").unlink()
    with pytest.raises(UsageError, match="no task hub"):
        connect()
