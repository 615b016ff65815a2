"""The names of the commands and what they do, in the groups of the help."""

from __future__ import annotations

PROGRAM = "durablectl"

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
    "Local": {
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
