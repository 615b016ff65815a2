"""The guide for coding assistants: a template, filled from the tree of commands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from durablectl.cli.framework.tree import described
from durablectl.packaged import packaged_text

MARK = "<!-- Written by `durablectl skill`: run it again after an upgrade, do not edit. -->"


def skill_text() -> str:
    """The whole file, as assistants read it: Markdown after a head of YAML."""
    tree = described()
    filled = {
        "mark": MARK,
        "version": tree["version"],
        "commands": "\n".join(_commands(tree)),
        "exit_codes": "\n".join(
            f"| {each['code']} | {each['meaning']} |" for each in tree["exitCodes"]
        ),
        "shapes": "\n".join(_shapes(tree)),
        "confirmed": ", ".join(
            f"`{each['name']}`" for each in tree["commands"] if _is_dry_run_first(each)
        ),
    }
    text = packaged_text("durablectl.cli.framework", "skill.md")
    for name, value in filled.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text


def _is_dry_run_first(command: dict[str, Any]) -> bool:
    """Whether it can change many instances: such a command can be tried without doing anything."""
    return command["asksToConfirm"] and any(
        "--dry-run" in option["names"] for option in command["options"]
    )


def _commands(tree: dict[str, Any]) -> Iterator[str]:
    for each in tree["commands"]:
        summary = each["summary"].replace("|", "\\|")
        output = "; ".join(each["output"]) or "nothing"
        yield f"| `{each['name']}` | {summary} | {output} |"


def _shapes(tree: dict[str, Any]) -> Iterator[str]:
    for name, shape in tree["shapes"].items():
        names = ", ".join(
            f"`{field['name']}`{'' if field['always'] else '?'}" for field in shape["fields"]
        )
        yield f"- **{name}**: {shape['meaning']}{f': {names}' if names else ''}"
