"""The recipes of `durablectl skill` do what it says."""

from __future__ import annotations

import pytest

from durablectl.cli.framework.skill import skill_text
from tests.docs.following import checked, follow
from tests.docs.pages import Step, steps


@pytest.mark.timeout(300)
def test_every_recipe_prints_what_the_guide_shows(work, home, tmp_path):
    guide = tmp_path / "SKILL.md"
    guide.write_text(skill_text(), encoding="utf-8")
    todo = [step for step in steps(guide) if isinstance(step, Step)]
    follow(todo, work / "examples" / "orders", home, tmp_path / "results")
    assert len(list(checked(todo, tmp_path / "results", "the skill"))) == len(todo) >= 10
