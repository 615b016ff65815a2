"""Typer, made ours: command groups, global options, completion, exit codes. Knows no command."""
