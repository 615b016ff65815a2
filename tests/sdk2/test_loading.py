"""Which apps on 2.x are loaded, and what is said of those that are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from durablectl.errors import AppError
from durablectl.functionapp.loader import load_app
from tests.sdk2.conftest import APP

HEAD = """
import azure.durable_functions as df
from durablectl import df as ours
app = df.DFApp()
"""


def written(folder: Path, code: str) -> Path:
    (folder / "function_app.py").write_text(HEAD + code, encoding="utf-8")
    return folder


def test_functions_of_all_kinds_are_found_without_the_built_in_ones() -> None:
    registry = load_app(APP)
    assert "compat" in registry.orchestrators.names
    assert "Renamed" in registry.orchestrators.names
    assert {"hello", "native", "later"} <= set(registry.activities.names)
    assert sorted(registry.entities.names) == ["counter", "old", "relay"]
    names = [*registry.orchestrators.names, *registry.activities.names]
    assert [name for name in names if name.startswith("BuiltIn")] == []
    assert registry.activities.get("BuiltIn__HttpActivity") is not None


def test_an_app_that_mixes_two_generations_is_refused(tmp_path: Path) -> None:
    code = """
@app.orchestration_trigger(context_name="context")
def new(context): ...

other = ours.DFApp()

@other.orchestration_trigger(context_name="context")
def old(context): ...
"""
    with pytest.raises(AppError, match=r"mixes two generations .* 'new' is for 2.x"):
        load_app(written(tmp_path, code))


def test_files_of_two_versions_in_one_environment_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "lib" / "azure_functions_durable-1.7.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: azure-functions-durable\nVersion: 1.7.0\n")
    monkeypatch.syspath_prepend(str(info.parent))
    with pytest.raises(AppError, match=r"azure-functions-durable 1.7.0 and 2.* are mixed"):
        load_app(APP)
