"""Texts are plain English: the words that read as translated do not come back."""

from __future__ import annotations

import ast
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
TERM = re.compile(
    r"\*\*(.+?)\*\*(?: \(([^)]+)\))?"
)  # a term of the glossary, and other words for it
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


def test_no_name_is_a_private_word_for_what_the_field_has_a_term_for():
    private = re.compile(
        r"(?<![a-z])(wheel|bell|agenda|crew|culprit|sheet|whence)s?(?![a-z])", re.IGNORECASE
    )
    files = [each for kind in ("*.py", "*.sql") for each in (ROOT / "durablectl").rglob(kind)]
    assert [each for each in files if private.search(each.read_text(encoding="utf-8"))] == []


def words_of_the_glossary() -> set[str]:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    return set(
        re.findall(r"[a-z]+", " ".join(" ".join(each) for each in TERM.findall(text)).lower())
    )


def public_classes(package: str) -> list[tuple[str, str]]:
    return [
        (str(module.relative_to(ROOT)), node.name)
        for module in sorted((ROOT / "durablectl" / package).rglob("*.py"))
        for node in ast.parse(module.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]


def is_named_by(words: set[str], name: str) -> bool:
    parts = [each.lower() for each in re.findall(r"[A-Z][a-z]*", name)]
    return any(each in words or each.removesuffix("s") in words for each in parts)


def test_the_glossary_is_true():
    """The classes of the engine and of polling are named by the words that it explains."""
    words = words_of_the_glossary()
    classes = public_classes("engine") + public_classes("polling")
    assert len(classes) > 50
    assert [each for each in classes if not is_named_by(words, each[1])] == []
