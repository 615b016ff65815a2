"""The help of the program by the width of the terminal.

Written by completions/update.py from the tree of commands: change that, not this file.
"""

from __future__ import annotations

HELP = {
    80: """\
Usage: durablectl [OPTIONS] COMMAND [ARGS]...

  Start, inspect, wait for and control durable orchestrations: on a remote
  task hub, or on a local one that runs them itself.

Run:
  start  Start an instance of an orchestrator.
  run    Start an instance, wait for it and print its output.
  wait   Wait until instances are finished; the exit code says how they ended.
  drain  Wait until nothing is in flight; changes nothing.

Inspect:
  status   Show the status of an instance.
  why      Explain what an instance waits for, why it failed, or where its
           time went.
  list     List the instances of the task hub.
  history  Show what happened in an instance.
  diff     Show how two instances differ, step by step.
  watch    Watch the instances that match: a table that stays current, with
           what has changed marked.
  links    Show the addresses that inspect and control an instance.
  ui       Show the task hub in a browser: its instances, their steps and
           their payloads.

Control:
  raise-event  Send an event to an instance.
  terminate    End running instances.
  suspend      Pause running instances.
  resume       Resume suspended instances.
  rewind       Run the failed steps of failed instances again.
  restart      Restart an instance with its name and input.
  purge        Delete finished instances and their history.
  entity       Read, signal and list entities.

Local:
  worker     Run the app's functions for the local hub.
  serve      Serve the local hub over HTTP as a Durable Functions app does.
  functions  List the functions of the app.
  init       Write a small app that runs here and on Azure.
  import     Import an instance into the local hub.
  replay     Check that histories still fit the code of the app.
  hub        Check, copy and shrink the file of a local hub.

Configure:
  context     Manage named task hubs and select the current one.
  doctor      Check the hub's configuration and connection, and suggest fixes.
  completion  Show or install the shell's completion.
  skill       Print or install a guide for coding assistants.
  help        Show the help, or describe every command as JSON.

Options:
  -V, --version  Print the version and exit.
  -h, --help     Show this message and exit.

Global options:
  --context NAME                  Use a named context (see `durablectl
                                  context`). [DURABLECTL_CONTEXT]
  --hub PATH|URL                  Task hub: a local file, the URL of an app,
                                  or grpc://HOST:PORT. [DURABLECTL_HUB]
  --task-hub NAME                 Name of the task hub, if the app has
                                  several. [DURABLECTL_TASK_HUB]
  --connection NAME               Name of the storage connection, if not the
                                  app's default. [DURABLECTL_CONNECTION]
  --key-env VARIABLE              Environment variable that holds the key.
                                  [DURABLECTL_KEY_ENV]
  --app PATH                      Function app: a function_app.py or a folder.
                                  [DURABLECTL_APP]
  --request-timeout DURATION      Time-out of a single request (default: 30s).
                                  [DURABLECTL_REQUEST_TIMEOUT]
  -o, --output text|json|jsonl|id|csv
                                  Output format. [DURABLECTL_OUTPUT]
  --query JMESPATH                Filter JSON output with a JMESPath
                                  expression.
  -q, --quiet                     Print only data, warnings and errors.
                                  [DURABLECTL_QUIET]
  -v, --verbose                   Print more details. [DURABLECTL_VERBOSE]
  --color auto|always|never       When to use colour. [DURABLECTL_COLOR]
  --no-progress                   Do not show live progress.
                                  [DURABLECTL_NO_PROGRESS]
  --debug                         Print the traceback of an error.
                                  [DURABLECTL_DEBUG]
  --show-secrets                  Print keys instead of ***.

  durablectl COMMAND --help shows its options and examples.
""",
    100: """\
Usage: durablectl [OPTIONS] COMMAND [ARGS]...

  Start, inspect, wait for and control durable orchestrations: on a remote task hub, or on a local
  one that runs them itself.

Run:
  start  Start an instance of an orchestrator.
  run    Start an instance, wait for it and print its output.
  wait   Wait until instances are finished; the exit code says how they ended.
  drain  Wait until nothing is in flight; changes nothing.

Inspect:
  status   Show the status of an instance.
  why      Explain what an instance waits for, why it failed, or where its time went.
  list     List the instances of the task hub.
  history  Show what happened in an instance.
  diff     Show how two instances differ, step by step.
  watch    Watch the instances that match: a table that stays current, with what has changed
           marked.
  links    Show the addresses that inspect and control an instance.
  ui       Show the task hub in a browser: its instances, their steps and their payloads.

Control:
  raise-event  Send an event to an instance.
  terminate    End running instances.
  suspend      Pause running instances.
  resume       Resume suspended instances.
  rewind       Run the failed steps of failed instances again.
  restart      Restart an instance with its name and input.
  purge        Delete finished instances and their history.
  entity       Read, signal and list entities.

Local:
  worker     Run the app's functions for the local hub.
  serve      Serve the local hub over HTTP as a Durable Functions app does.
  functions  List the functions of the app.
  init       Write a small app that runs here and on Azure.
  import     Import an instance into the local hub.
  replay     Check that histories still fit the code of the app.
  hub        Check, copy and shrink the file of a local hub.

Configure:
  context     Manage named task hubs and select the current one.
  doctor      Check the hub's configuration and connection, and suggest fixes.
  completion  Show or install the shell's completion.
  skill       Print or install a guide for coding assistants.
  help        Show the help, or describe every command as JSON.

Options:
  -V, --version  Print the version and exit.
  -h, --help     Show this message and exit.

Global options:
  --context NAME                  Use a named context (see `durablectl context`).
                                  [DURABLECTL_CONTEXT]
  --hub PATH|URL                  Task hub: a local file, the URL of an app, or grpc://HOST:PORT.
                                  [DURABLECTL_HUB]
  --task-hub NAME                 Name of the task hub, if the app has several.
                                  [DURABLECTL_TASK_HUB]
  --connection NAME               Name of the storage connection, if not the app's default.
                                  [DURABLECTL_CONNECTION]
  --key-env VARIABLE              Environment variable that holds the key. [DURABLECTL_KEY_ENV]
  --app PATH                      Function app: a function_app.py or a folder. [DURABLECTL_APP]
  --request-timeout DURATION      Time-out of a single request (default: 30s).
                                  [DURABLECTL_REQUEST_TIMEOUT]
  -o, --output text|json|jsonl|id|csv
                                  Output format. [DURABLECTL_OUTPUT]
  --query JMESPATH                Filter JSON output with a JMESPath expression.
  -q, --quiet                     Print only data, warnings and errors. [DURABLECTL_QUIET]
  -v, --verbose                   Print more details. [DURABLECTL_VERBOSE]
  --color auto|always|never       When to use colour. [DURABLECTL_COLOR]
  --no-progress                   Do not show live progress. [DURABLECTL_NO_PROGRESS]
  --debug                         Print the traceback of an error. [DURABLECTL_DEBUG]
  --show-secrets                  Print keys instead of ***.

  durablectl COMMAND --help shows its options and examples.
""",
}
