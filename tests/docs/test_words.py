"""The pages are plain English: phrases that read as translated stay out of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
NOT_READ = (DOCS / "adr", DOCS / "reference" / "commands")
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted(page for page in DOCS.rglob("*.md") if page.parent not in NOT_READ),
]
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
PHRASES = re.compile(
    "|".join(
        (
            r"(?<!there )\b(is|are) no (?!longer|more|other|such)[a-z]",
            r"\bnobody\b",
            r"\bgo(es)? on\b",
            r"\bmend",
            r"\banew\b",
            r"\bfor ever\b",
            r"\bso many\b",
            r"\bbegun\b",
            r"\bwhoever\b",
            r"\bis meant\b",
            r"\bwants\b",
            r"\bknown are\b",
            r"\botherwise than\b",
            r"\bleft alone\b",
            r"\bwithout a word\b",
        )
    ),
    re.IGNORECASE,
)


def offenders(name: str, page: str) -> Iterator[str]:
    """The place of each phrase, also of one that a line break divides.

    Blocks are not read: they show code and what the program prints.
    """
    prose = BLOCK.sub(lambda block: "\n" * block[0].count("\n"), page)
    lines = ["", *(line.strip() for line in prose.splitlines()), ""]
    for number in range(1, len(lines) - 1):
        start = len(lines[number - 1]) + 1
        end = start + len(lines[number])
        for found in PHRASES.finditer(" ".join(lines[number - 1 : number + 2])):
            if start <= found.start() < end:
                yield f"{name}:{number}: {found[0]}"


def test_no_phrase_reads_as_translated():
    found = [
        each
        for page in PAGES
        for each in offenders(page.relative_to(ROOT).as_posix(), page.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_a_phrase_is_found_with_its_line():
    page = "It goes on.\n\n```sh\necho nobody\n```\n- If there\n  is no work, it goes\n  on.\n"
    assert list(offenders("page.md", page)) == ["page.md:1: goes on", "page.md:7: goes on"]
