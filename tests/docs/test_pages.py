"""Every command line in docs/ does what the page says: each page is followed from top to bottom in
a shell, on real hubs.
"""

from __future__ import annotations

import re
import shutil
import socket

import pytest
import yaml

from tests.docs.conftest import KEY
from tests.docs.following import checked, follow
from tests.docs.pages import DOCS, Skipped, Step, is_as_shown, pipelines, steps, uses

ROOT = DOCS.parent
SHOWN_ADDRESS = "https://orders.azurewebsites.net"
HAVE_THEIR_OWN_TEST = {"testing.md", "tutorial.md"}
GENERATED = DOCS / "reference" / "commands"
PAGES = sorted(
    page
    for page in DOCS.rglob("*.md")
    if page.parent not in (GENERATED, DOCS / "adr") and page.name not in HAVE_THEIR_OWN_TEST
)
MAY_BE_SKIPPED = 9
WITHOUT_AZURE = {"PYTHONPATH": str(ROOT / "tests" / "without_azure")}


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


def served_at(port: str, script: str) -> str:
    """The script with a free port in the place of the usual one, which may be taken here."""
    return re.sub(r"durablectl serve(?! --port)", "durablectl serve --port 7071", script).replace(
        "7071", port
    )


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_a_page_does_what_it_says(page, work, home, tmp_path, request):
    todo = [step for step in steps(page) if isinstance(step, Step)]
    if not todo:
        return
    if any(re.search(r"\bcurl ", step.script) for step in todo) and shutil.which("curl") is None:
        pytest.skip("this page needs curl")
    if SHOWN_ADDRESS in page.read_text(encoding="utf-8"):
        here = request.getfixturevalue("address")
        todo = [
            Step(
                *(
                    text and text.replace(SHOWN_ADDRESS, here)
                    for text in (step.script, step.expected)
                ),
                step.line,
            )
            for step in todo
        ]
    if any("durablectl serve" in step.script for step in todo):
        port = free_port()
        todo = [Step(served_at(port, step.script), step.expected, step.line) for step in todo]
    follow(todo, work, home | WITHOUT_AZURE, tmp_path / "results")
    for printed in checked(todo, tmp_path / "results", page.relative_to(ROOT)):
        assert KEY not in printed


def test_few_blocks_are_only_shown():
    shown = [
        (page.name, step.line, step.reason)
        for page in PAGES
        for step in steps(page)
        if isinstance(step, Skipped)
    ]
    assert len(shown) <= MAY_BE_SKIPPED, shown
    assert all(reason for *_, reason in shown)


def test_pipelines_hand_over_only_what_the_action_and_the_template_take():
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["inputs"]
    template = yaml.safe_load(
        (DOCS / "azure-pipelines" / "durablectl.yml").read_text(encoding="utf-8")
    )["parameters"]
    calls = [call for page in PAGES for pipeline in pipelines(page) for call in uses(pipeline)]
    ours = [call for call in calls if "durablectl" in call.get("uses", call.get("template", ""))]
    assert {"uses", "template"} <= {name for call in ours for name in call}
    for call in ours:
        assert set(call.get("with", {})) <= set(action)
        assert set(call.get("parameters", {})) <= {each["name"] for each in template}


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("a\n...\nc", "a\nb\nb\nc", True),
        ("a\n...", "a", True),
        ("a ... c", "a b\nb c", False),
        ("a: Running [1.0 s]\ndone", "done", True),
        (
            "started 0123456789abcdef0123456789abcdef",
            "started fedcba9876543210fedcba9876543210\n",
            True,
        ),
        ("after 3 s", "using local hub x\nafter 0.4 s", True),
        ("a", "b", False),
        ("a", "a\nb", False),
        ("exit 10", "exit 0", False),
    ],
)
def test_what_is_printed_is_compared_with_what_is_shown(expected, printed, same):
    assert is_as_shown(expected, printed) is same
