"""Texts are plain English: the words that read as translated do not come back."""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).parent.parent
WORDS = re.compile(
    r"(?<!there )\b(is|are) no (?!longer|more|other|such)[a-z]|\bnobody\b|\bgo(es)? on\b|\bmend|\banew\b"
    r"|\bfor ever\b|\bso many\b|\bbegun\b|\bwhoever\b|\bis meant\b|\bwants\b|\bknown are\b"
    r"|\botherwise than\b|\bleft alone\b|\bwithout a word\b",
    re.IGNORECASE,
)
MEMBER = '"mend"'  # of the JSON of doctor, which scripts read


def test_strings_docstrings_and_comments_use_plain_words():
    offenders = []
    for module in sorted((ROOT / "durablectl").rglob("*.py")):
        source = module.read_text(encoding="utf-8")
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type not in (tokenize.STRING, tokenize.COMMENT) or token.string == MEMBER:
                continue
            for found in WORDS.finditer(token.string.replace("`mend`", "")):
                line = token.start[0] + token.string[: found.start()].count("\n")
                offenders.append(f"{module.relative_to(ROOT)}:{line}: {found[0]}")
    assert offenders == []
