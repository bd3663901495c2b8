"""Every exception that is raised on purpose has its answer."""

from __future__ import annotations

import inspect

import pytest

from gateway import errors
from gateway.api.errors import ROWS, describe_error

ALL = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, errors.ToolgateError)]
LEAVES = [one for one in ALL if not any(other is not one and issubclass(other, one) for other in ALL)]


@pytest.mark.parametrize("leaf", LEAVES)
def test_every_error_has_a_row_of_its_own(leaf):
    assert leaf in ROWS


def test_no_row_is_for_a_class_that_is_not_there():
    assert set(ROWS) <= set(ALL)


@pytest.mark.parametrize("error_class", ALL)
def test_every_class_is_drawn_in_the_tree(error_class):
    assert error_class.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize("leaf", [one for one in LEAVES if issubclass(one, errors.RequestError)])
def test_a_request_error_is_told_with_its_own_status_and_code(leaf):
    told = describe_error(leaf("what is wrong"), request_id="req_1")
    assert (told.status, told.code, told.message) == (leaf.status, leaf.default_code, "what is wrong")
    assert 400 <= told.status < 600


def test_an_error_that_nobody_foresaw_is_told_in_constant_words():
    told = describe_error(ZeroDivisionError("secret detail"), request_id="req_1")
    assert told.status == 500
    assert "secret" not in told.message
