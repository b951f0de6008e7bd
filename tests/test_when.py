"""The time that a question asks about, and how near to it an article was published."""

import math
from datetime import date

import pytest

from clippings.when import UNDATED, Period, asked_about, nearness

NEWEST = date(2022, 8, 26)


@pytest.mark.parametrize(
    ("question", "period"),
    [
        ("Who won?", (NEWEST, NEWEST)),
        ("Who won in 2016?", (date(2016, 1, 1), date(2016, 12, 31))),
        ("who won in february 2016", (date(2016, 2, 1), date(2016, 2, 29))),
        ("What burned on June 3, 2019?", (date(2019, 6, 1), date(2019, 6, 30))),
        ("What burned on 3 June 2019?", (date(2019, 6, 1), date(2019, 6, 30))),
        ("How many came between 2010 and March 2014?", (date(2010, 1, 1), date(2014, 3, 31))),
        ("What may 2,022 people and 20223 cows do in May?", (NEWEST, NEWEST)),
    ],
)
def test_what_time_is_asked_about(question: str, period: Period) -> None:
    assert asked_about(question, newest=NEWEST) == period


def test_without_a_date_anywhere_no_time_is_asked_about() -> None:
    assert asked_about("Who won?", newest=None) is None
    assert nearness(date(2022, 1, 1), None) == nearness(None, (NEWEST, NEWEST)) == UNDATED


def test_nearness_falls_on_both_sides_of_a_period() -> None:
    period = (date(2016, 1, 1), date(2016, 12, 31))
    assert nearness(date(2016, 1, 1), period) == nearness(date(2016, 12, 31), period) == 1
    before, after = nearness(date(2015, 1, 1), period), nearness(date(2017, 12, 31), period)
    assert before == pytest.approx(after) == pytest.approx(math.exp(-1))
    assert 0 < nearness(date(1912, 4, 15), period) < before
