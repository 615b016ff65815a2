"""The options of the commands that take instance ids.

Written by completions/update.py from the tree of commands: change that, not this file.
"""

# fmt: off
from __future__ import annotations

VALUED = (
    "--from --timeout -t --interval --until --on-timeout --junit --ci --count --reason "
    "--status -s --name --prefix --created-after --created-before --updated-after "
    "--updated-before --where --stuck --confirm --limit --concurrency --rate --max-failures "
    "--journal --input -i --input-json --sample --save --fail-on "
)
"""The options with a value."""
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
