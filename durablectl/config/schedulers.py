"""Contexts that name their hub by a connection string: what address and task hub that is."""

from __future__ import annotations

from collections.abc import Mapping

from durablectl.config.addresses import check_plaintext
from durablectl.config.connection_strings import parse_connection_string
from durablectl.config.contexts import Context
from durablectl.config.variables import key_of_variable
from durablectl.errors import DurablectlError, UsageError


def expanded(context: Context, environ: Mapping[str, str]) -> Context:
    """The context with the address and the task hub of its connection string, if it has one.

    `KeyRefused` when its variable is not set; `UsageError` when it cannot be read.
    """
    owner = f"context {context.name}"
    text = context.connection_string
    if context.connection_string_env:
        text = key_of_variable(context.connection_string_env, environ, owner)
    if text is None:
        return context
    parsed = parse_connection_string(text, f"the connection string of {owner}")
    named = context.task_hub or parsed.task_hub or None
    if context.task_hub and parsed.task_hub and context.task_hub != parsed.task_hub:
        raise UsageError(
            f"the task-hub of {owner} is not that of its connection string",
            hint="leave out one of them",
        )
    url = check_plaintext(parsed.url, allowed=context.insecure)
    return context._replace(url=url, task_hub=named, connection_string=text)


def expanded_if_usable(context: Context, environ: Mapping[str, str]) -> Context:
    """The same for a context that was not selected: one that cannot be used has no address."""
    try:
        return expanded(context, environ)
    except DurablectlError:
        return context
