"""Keys in text, replaced: the one function that every message, log line and report passes.

Pure; knows nothing of the rest.
"""

from __future__ import annotations

import re

MARK = "***"

_EQUALS = r"(?:=|%3D|\\u003D)"
_GAP = r"[\"']?\s{0,4}[:=,]\s{0,4}(?:b?[\"'])?"
"""What stands between a header's name and its value: in a request, in JSON, in the repr of a
dictionary or of a pair."""

# Each begins with a set of characters, which `re` searches quickly, and each repetition ends where
# the next match may begin: the time is linear in the length of the text. The words in front say in
# which texts (in lower case) it is worth trying.
_KEYS = (
    (
        ("code", "sig", "access_token"),  # in a query, also one that is encoded or stands in JSON
        rf"(?i)([?&%\\](?:3F|26|u0026|amp;)?(?:code|sig|access_token){_EQUALS})[^&#;,\s\\\"'<>(){{}}\[\]|`]+",
    ),
    (
        ("accountkey", "sharedaccess", "password"),  # in a connection string
        r"(?i)([aps](?:ccountkey|haredaccesskey|haredaccesssignature|assword)\s{0,4}=\s{0,4})[^;\s\"'<>]+",
    ),
    (
        ("x-functions-key", "authorization"),
        rf"(?i)([ax](?:-functions-key|uthorization){_GAP}(?:(?:basic|bearer|negotiate)\s{{1,4}})?)[^\s\"',;<>]+",
    ),
    (("bearer",), r"(?i)(b(?<!\wb)earer\s{1,4})[a-z0-9._~+/-]{8,}=*"),
    (("://",), r"(://)[^/?#\s\"'<>@]+(?=@)"),
)


def redact(text: str) -> str:
    """The text with `***` in place of every key: in queries, headers and connection strings, of
    tokens, and of users in addresses.
    """
    lower = text.lower()
    for words, pattern in _KEYS:
        if any(word in lower for word in words):
            text = re.sub(pattern, rf"\1{MARK}", text)
    return text
