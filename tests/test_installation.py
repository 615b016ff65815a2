"""The command that adds a package is one for the installation that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from durablectl.cli.framework import exit_codes
from durablectl.errors import MissingExtra
from durablectl.installation import Installation, installation, missing_extra


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    (tmp_path / "env").mkdir()
    return tmp_path / "env"


def test_in_an_active_environment_it_is_pip(environment):
    here = Installation("/env/bin/python", environment, is_active=True)
    assert here.install("pytest") == "python -m pip install pytest"
    assert here.install_extra("serve") == "python -m pip install 'durablectl[serve]'"


def test_an_environment_that_is_not_active_is_named(environment):
    here = Installation("/my env/bin/python", environment)
    assert here.install("pytest") == "'/my env/bin/python' -m pip install pytest"


def test_a_clone_is_installed_from_its_folder(environment):
    copied = Installation("/p", environment, Path("/src/durablectl"), is_active=True)
    assert copied.install_extra("serve") == "python -m pip install '/src/durablectl[serve]'"
    edited = copied._replace(is_editable=True)
    assert (
        edited.install_extra("grpc") == "python -m pip install --editable '/src/durablectl[grpc]'"
    )


def test_pipx_is_asked_where_pipx_installed_it(environment):
    (environment / "pipx_metadata.json").write_text("{}")
    here = Installation("/p", environment)
    assert here.install("pytest") == "pipx inject durablectl pytest"
    assert here.install_extra("serve") == "pipx install --force 'durablectl[serve]'"


def test_uv_is_asked_where_uv_installed_it(environment):
    (environment / "uv-receipt.toml").write_text("")
    here = Installation("/p", environment)
    assert here.install("pytest") == "uv tool install --with pytest durablectl"
    assert here.install_extra("serve") == "uv tool install --force 'durablectl[serve]'"


def test_a_single_file_needs_an_environment(environment):
    here = Installation("/usr/bin/python3", environment, is_zip=True)
    assert here.install_extra("serve") == (
        "python3 -m venv .venv && .venv/bin/pip install 'durablectl[serve]'"
    )


def test_this_one_is_a_clone_that_is_edited():
    here = installation({"PATH": ""})
    assert (here.is_zip, here.is_active) == (False, False)
    if here.is_editable:
        assert here.source == Path(__file__).parents[1]


def test_a_missing_extra_is_an_error_of_the_installation():
    error = missing_extra("serve", "serve", "uvicorn")
    assert isinstance(error, MissingExtra)
    assert error.message == "serve needs the package 'uvicorn', which is not installed"
    assert "[serve]'" in (error.hint or "")
    assert exit_codes.for_error(error) == 1
