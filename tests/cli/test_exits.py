"""The table of exit codes."""

from __future__ import annotations

import pytest

from durablectl import errors
from durablectl.cli.framework import exit_codes
from durablectl.model import RuntimeStatus


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("x"), 2),
        (errors.HubUnusable("x"), 1),
        (errors.HubBusy("x"), 1),
        (errors.AppError("x"), 1),
        (errors.InstanceNotFound("x"), 3),
        (errors.EntityNotFound("x"), 3),
        (errors.FunctionNotFound("x"), 3),
        (errors.KeyRefused("x"), 4),
        (errors.Unreachable("x"), 5),
        (errors.OutcomeUnknown("x"), 5),
        (errors.NotATaskHub("x"), 5),
        (errors.AlreadyExists("x"), 6),
        (errors.WrongState("x"), 6),
        (errors.Unsupported("x"), 7),
        (errors.WaitTimeout("x"), 124),
        (errors.ServiceError("x"), 1),
        (ValueError("x"), 1),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_a_fault_has_the_code_of_its_meaning(error, code):
    assert exit_codes.for_error(error) == code


def test_every_error_of_the_tree_has_a_code():
    def kinds(kind: type) -> list[type]:
        return [kind, *(each for sub in kind.__subclasses__() for each in kinds(sub))]

    assert all(
        1 <= exit_codes.for_error(kind("x")) <= 7 or kind is errors.WaitTimeout
        for kind in kinds(errors.DurablectlError)
    )


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("Completed", 0),
        ("Failed", 10),
        ("Terminated", 11),
        ("Canceled", 12),
        ("Running", 8),
        ("Pending", 8),
        ("Suspended", 8),
        ("Unknown", 8),
    ],
)
def test_an_outcome_has_a_code_of_its_own(status, code):
    assert exit_codes.for_outcome(RuntimeStatus(status)) == code


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ([], 0),
        ([0, 0], 0),
        ([0, 11, 10], 10),
        ([12, 11], 11),
        ([9, 12], 12),
        ([124, 9], 9),
        ([0, 124], 124),
        ([10, 3, 5], 3),
        ([10, 130], 130),
        ([8, 0], 8),
    ],
    ids=str,
)
def test_of_several_a_fault_comes_first_and_then_the_weightiest_outcome(codes, code):
    assert exit_codes.for_outcomes(codes) == code
