"""What a release consists of: current manual pages, one version, a workflow without a token."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from durablectl.version import __version__

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "man").glob("*.1"))


def test_the_manual_pages_are_current():
    spec = importlib.util.spec_from_file_location("man_update", ROOT / "man" / "update.py")
    update = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(update)
    assert {page.name: page.read_text() for page in PAGES} == update.pages()


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_manual_page_has_no_faults(page):
    done = subprocess.run(
        ["groff", "-man", "-Tascii", "-ww", "-z", page], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def release_version(tag: str, folder: Path, changelog: str) -> subprocess.CompletedProcess[str]:
    (folder / ".ci").mkdir(exist_ok=True)
    (folder / "durablectl").mkdir(exist_ok=True)
    shutil.copy(ROOT / ".ci" / "release-version", folder / ".ci")
    shutil.copy(ROOT / "durablectl" / "version.py", folder / "durablectl")
    (folder / "CHANGELOG.md").write_text(changelog)
    return subprocess.run(
        [folder / ".ci" / "release-version", tag], capture_output=True, text=True, check=False
    )


def test_the_changelog_decides_the_version(tmp_path):
    changelog = f"## [Unreleased]\n\n## [{__version__}] - 2026-12-01\n"
    assert release_version(f"v{__version__}", tmp_path, changelog).stdout == f"{__version__}\n"
    assert release_version("v99.0.0", tmp_path, changelog).returncode == 1
    assert release_version(f"v{__version__}", tmp_path, "## [Unreleased]\n").returncode == 1


def test_the_release_is_published_by_trust_and_has_no_token():
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    publish = yaml.safe_load(text)["jobs"]["publish"]
    assert publish["permissions"]["id-token"] == "write"
    assert "password" not in text
    assert "secrets." not in text


def test_the_image_runs_as_somebody_else_than_root():
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert lines.index("USER 1000") < lines.index('ENTRYPOINT ["durablectl"]')
    assert [line for line in lines if line.startswith("USER ")] == ["USER 1000"]
