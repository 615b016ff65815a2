"""The names of the commands and of the global options, and what they do; loads nothing."""

from __future__ import annotations

PROGRAM = "durablectl"
SUMMARY = (
    "Start, inspect, wait for and control durable orchestrations: on a remote task hub, or on a "
    "local one that runs them itself."
)
VERSION_HELP = "Print the version and exit."

# name -> what it does, in the groups of the help. A command lives in the module of its name, or in
# that which MODULES names, as the function of that name or as `app`.
GROUPS: dict[str, dict[str, str]] = {
    "Run": {
        "start": "Start an instance of an orchestrator.",
        "run": "Start an instance, wait for it and print its output.",
        "wait": "Wait until instances are finished; the exit code says how they ended.",
        "drain": "Wait until nothing is in flight; changes nothing.",
    },
    "Inspect": {
        "status": "Show the status of an instance.",
        "why": "Explain what an instance waits for, why it failed, or where its time went.",
        "list": "List the instances of the task hub.",
        "history": "Show what happened in an instance.",
        "diff": "Show how two instances differ, step by step.",
        "watch": "Watch the instances that match: a table that stays current, with what has "
        "changed marked.",
        "links": "Show the addresses that inspect and control an instance.",
        "ui": "Show the task hub in a browser: its instances, their steps and their payloads.",
    },
    "Control": {
        "raise-event": "Send an event to an instance.",
        "terminate": "End running instances.",
        "suspend": "Pause running instances.",
        "resume": "Resume suspended instances.",
        "rewind": "Run the failed steps of failed instances again.",
        "restart": "Restart an instance with its name and input.",
        "purge": "Delete finished instances and their history.",
        "entity": "Read, signal and list entities.",
    },
    "Develop": {
        "worker": "Run the app's functions for the local hub.",
        "serve": "Serve the local hub over HTTP as a Durable Functions app does.",
        "functions": "List the functions of the app.",
        "init": "Write a small app that runs here and on Azure.",
        "import": "Import an instance into the local hub.",
        "replay": "Check that histories still fit the code of the app.",
        "hub": "Check, copy and shrink the file of a local hub.",
    },
    "Configure": {
        "context": "Manage named task hubs and select the current one.",
        "doctor": "Check the hub's configuration and connection, and suggest fixes.",
        "completion": "Show or install the shell's completion.",
        "skill": "Print or install a guide for coding assistants.",
        "help": "Show the help, or describe every command as JSON.",
    },
}
SUMMARIES = {name: summary for commands in GROUPS.values() for name, summary in commands.items()}
MODULES = dict.fromkeys(("terminate", "suspend", "resume", "rewind"), "control")

WITH_CSV = frozenset({"list", "entity list", "functions", "context list"})

# What other tools call it -> what it is called here.
ELSEWHERE = {
    "start-new": "start",
    "get-instances": "list",
    "get-runtime-status": "status",
    "purge-history": "purge",
    "describe": "status",
    "get": "status",
    "delete": "purge",
    "execute": "run",
    "show": "status",
    "signal": "raise-event",
    "cancel": "terminate",
    "explain": "why",
}

# name -> what stands for its value ("" for a flag), and what it does
GLOBALS = {
    "context": ("NAME", "Use a named context (see `durablectl context`)."),
    "hub": ("PATH|URL", "Task hub: a local file, the URL of an app, or grpc://HOST:PORT."),
    "task_hub": ("NAME", "Name of the task hub, if the app has several."),
    "connection": ("NAME", "Name of the storage connection, if not the app's default."),
    "key_env": ("VARIABLE", "Environment variable that holds the key."),
    "app": ("PATH", "Function app: a function_app.py or a folder."),
    "request_timeout": ("DURATION", "Time-out of a single request (default: 30s)."),
    "output": ("text|json|jsonl|id|csv", "Output format."),
    "query": ("JMESPATH", "Filter JSON output with a JMESPath expression."),
    "quiet": ("", "Print only data, warnings and errors."),
    "verbose": ("", "Print more details."),
    "color": ("auto|always|never", "When to use colour."),
    "no_progress": ("", "Do not show live progress."),
    "debug": ("", "Print the traceback of an error."),
    "show_secrets": ("", "Print keys instead of ***."),
}
_SHORT = {"output": "-o", "quiet": "-q", "verbose": "-v"}


def flags_of(name: str) -> list[str]:
    """How a global option is written, the long form first."""
    short = [_SHORT[name]] if name in _SHORT else []
    return [f"--{name.replace('_', '-')}", *short]


def variable_of(name: str) -> str | None:
    """The environment variable of a global option; None for the two that only a flag sets."""
    return None if name in ("query", "show_secrets") else f"DURABLECTL_{name.upper()}"


def global_help(name: str) -> str:
    """What a global option does, with its variable."""
    variable = variable_of(name)
    return f"{GLOBALS[name][1]} [{variable}]" if variable else GLOBALS[name][1]
