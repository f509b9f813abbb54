"""Options of recipes: numbers that make no sense are refused before anything is loaded."""

from __future__ import annotations

import argparse

import pytest

from wavegen.experiments import above_zero, one_or_more


def test_numbers_are_read() -> None:
    assert one_or_more("12") == 12
    assert above_zero("0.5") == 0.5


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "", "١"])
def test_counts_start_at_one(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="whole number of 1 or more"):
        one_or_more(text)


@pytest.mark.parametrize("text", ["0", "-3", "nan", "inf", "many"])
def test_amounts_are_above_zero(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="number above 0"):
        above_zero(text)
