"""The options of the commands that take instance ids.

Written by completions/update.py from the tree of commands: change that, not this file.
"""

# fmt: off
from __future__ import annotations

OWN_VALUES = {
    "--from": ("from_", True),
    "--timeout": ("timeout", False),
    "-t": ("timeout", False),
    "--interval": ("interval", False),
    "--until": ("until", False),
    "--on-timeout": ("on_timeout", False),
    "--junit": ("junit", False),
    "--ci": ("ci", False),
    "--count": ("count", False),
    "--reason": ("reason", False),
    "--status": ("status", True),
    "-s": ("status", True),
    "--name": ("name", False),
    "--prefix": ("prefix", False),
    "--created-after": ("created_after", False),
    "--created-before": ("created_before", False),
    "--updated-after": ("updated_after", False),
    "--updated-before": ("updated_before", False),
    "--where": ("where", False),
    "--stuck": ("stuck", False),
    "--confirm": ("confirm", False),
    "--limit": ("limit", False),
    "--concurrency": ("concurrency", False),
    "--rate": ("rate", False),
    "--max-failures": ("max_failures", False),
    "--journal": ("journal", False),
    "--input": ("no_input", False),
    "-i": ("no_input", False),
    "--input-json": ("no_input", False),
    "--sample": ("sample", False),
    "--save": ("save", False),
    "--fail-on": ("fail_on", False),
}
"""The other options with a value: the parameter,
and whether that is a list."""
OWN_FLAGS = {
    "--last": ("last", True),
    "--response": ("response", True),
    "--any": ("any", True),
    "--all": ("all", True),
    "--fail-fast": ("fail_fast", True),
    "--show-input": ("show_input", True),
    "--no-show-input": ("show_input", False),
    "--history": ("history", True),
    "--history-output": ("history_output", True),
    "--exit-status": ("exit_status", True),
    "--follow": ("follow", True),
    "-f": ("follow", True),
    "--gantt": ("gantt", True),
    "--children": ("children", True),
    "--no-children": ("children", False),
    "--raw": ("raw", True),
    "--management": ("management", True),
    "--creation": ("creation", True),
    "--ignore-finished": ("ignore_finished", True),
    "--recursive": ("recursive", True),
    "--include-entities": ("include_entities", True),
    "--dry-run": ("dry_run", True),
    "--yes": ("yes", True),
    "-y": ("yes", True),
    "--ignore-not-found": ("ignore_not_found", True),
    "--include-children": ("include_children", True),
    "--wait": ("wait", True),
    "-w": ("wait", True),
    "--new-id": ("new_id", True),
    "--same-id": ("new_id", False),
    "--in-flight": ("in_flight", True),
    "--allow-empty": ("allow_empty", True),
}
"""The other options without a value: the parameter,
and what they make of it."""
SEVERAL = "wait status terminate suspend resume rewind restart purge replay"
"""The commands that take several ids."""
_OPTIONS = {
    "wait": (
        "--from --last --timeout -t --interval --until --on-timeout --response --junit --ci --any "
        "--all --count --fail-fast "
    ),
    "status": (
        "--from --show-input --no-show-input --history --history-output --exit-status --last "
    ),
    "why": (
        "--last "
    ),
    "history": (
        "--follow -f --gantt --children --no-children --interval --raw --last "
    ),
    "links": (
        "--management --creation --last "
    ),
    "terminate": (
        "--from --reason --ignore-finished --recursive --status -s --name --prefix "
        "--created-after --created-before --updated-after --updated-before --where --stuck "
        "--include-entities --dry-run --yes -y --confirm --limit --concurrency --rate "
        "--max-failures --ignore-not-found --include-children --wait -w --timeout -t --interval "
    ),
    "suspend resume rewind": (
        "--from --reason --ignore-finished --status -s --name --prefix --created-after "
        "--created-before --updated-after --updated-before --where --stuck --include-entities "
        "--dry-run --yes -y --confirm --limit --concurrency --rate --max-failures "
        "--ignore-not-found --include-children --wait -w --timeout -t --interval "
    ),
    "restart": (
        "--new-id --same-id --journal --input -i --input-json --status -s --name --prefix "
        "--created-after --created-before --updated-after --updated-before --where --stuck "
        "--include-entities --dry-run --yes -y --confirm --limit --concurrency --rate "
        "--max-failures --ignore-not-found --include-children "
    ),
    "purge": (
        "--from --recursive --status -s --name --prefix --created-after --created-before "
        "--updated-after --updated-before --where --stuck --include-entities --dry-run --yes -y "
        "--confirm --limit --concurrency --rate --max-failures --ignore-not-found "
        "--include-children "
    ),
    "replay": (
        "--in-flight --status -s --name --prefix --created-after --created-before --updated-after "
        "--updated-before --where --stuck --include-entities --sample --save --junit --fail-on "
        "--allow-empty "
    ),
}
COMMANDS = {
    name: options for names, options in _OPTIONS.items() for name in names.split()
}
"""The commands that are read, each with its options."""
