"""Loads an app."""

from __future__ import annotations

from pathlib import Path

from durablectl.backends.http.activity import http_activity
from durablectl.engine.registry import Registry
from durablectl.functionapp.loader import load_app


def load_registry(app: Path) -> Registry:
    """The functions of an app, with the built-in ones that its orchestrators may call."""
    registry = load_app(app)
    registry.activities.add(http_activity())
    return registry
