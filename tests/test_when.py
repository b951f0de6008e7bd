"""The time that a question asks about, and how near to it an article was published."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clippings.when import UNDATED, Period, asked_about, nearness

OLDEST, NEWEST = date(2009, 2, 1), date(2022, 8, 26)


@pytest.mark.parametrize(
    ("question", "period"),
    [
        ("Who won?", (NEWEST, NEWEST)),
        ("Who won in 2016?", (date(2016, 1, 1), date(2016, 12, 31))),
        ("who won in february 2016", (date(2016, 2, 1), date(2016, 2, 29))),
        ("What burned on June 3, 2019?", (date(2019, 6, 1), date(2019, 6, 30))),
        ("What burned on 3 Sept. 2019?", (date(2019, 9, 1), date(2019, 9, 30))),
        ("How many came between 2010 and March 2014?", (date(2010, 1, 1), date(2014, 3, 31))),
        ("What has changed since 2015?", (date(2015, 1, 1), NEWEST)),
        ("What was built before June 2015?", (OLDEST, date(2015, 6, 30))),
        ("Who led in the 2010s?", (date(2010, 1, 1), date(2019, 12, 31))),
        ("What may 2,022 people and 20223 cows do in May?", (NEWEST, NEWEST)),
        ("How many of 1800 homes burned after 2020?", (date(2020, 1, 1), NEWEST)),  # no article is of 1800
        ("Who was born in 1961?", (NEWEST, NEWEST)),
        ("APRİL 2020, aprıl 2020, Auguſt 2020", (date(2020, 1, 1), date(2020, 12, 31))),
    ],
)
def test_what_time_is_asked_about(question: str, period: Period) -> None:
    assert asked_about(question, dates=(OLDEST, NEWEST)) == period


@given(st.text(), st.dates(), st.dates())
def test_any_question_has_a_time(question: str, one: date, other: date) -> None:
    period = asked_about(f"{question} since 2099s {question}", dates=(min(one, other), max(one, other)))
    assert period is not None
    assert 0 < nearness(one, period) <= 1


def test_without_a_date_anywhere_no_time_is_asked_about() -> None:
    assert asked_about("Who won?", dates=None) is None
    assert nearness(date(2022, 1, 1), None) == nearness(None, (NEWEST, NEWEST)) == UNDATED


def test_nearness_falls_on_both_sides_of_a_period() -> None:
    period = (date(2016, 1, 1), date(2016, 12, 31))
    assert nearness(date(2016, 1, 1), period) == nearness(date(2016, 12, 31), period) == 1
    before, after = nearness(date(2015, 1, 1), period), nearness(date(2017, 12, 31), period)
    assert before == after == 0.5
    assert 0 < nearness(date(1912, 4, 15), period) < before
