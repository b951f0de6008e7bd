"""What time a question asks about, and how near to it an article was published."""

import calendar
import math
import re
from datetime import date

Period = tuple[date, date]  # its first and its last day

MONTHS = tuple(name for name in calendar.month_name if name)
TIME = re.compile(
    rf"(?:\b({'|'.join(MONTHS)})(?: \d{{1,2}}(?:st|nd|rd|th)?)?,? )?\b(1[6-9]\d\d|20\d\d)\b", re.IGNORECASE
)
FADES = 365.0  # days in which nearness falls to 1 / e: the last weeks' articles are alike, those of last year are not
UNDATED = math.exp(-1)  # the nearness of an article that may be of any time: as if it were a year off


def asked_about(question: str, *, newest: date | None) -> Period | None:
    """Give the time from the first to the last year, or month of a year, that the question names.

    Who names none asks about the present: the day of the newest article. None when there is no such day either.
    """
    named = [_period(match[1], int(match[2])) for match in TIME.finditer(question)]
    if named:
        return min(first for first, _ in named), max(last for _, last in named)
    return (newest, newest) if newest else None


def nearness(published: date | None, period: Period | None) -> float:
    """Give 1 for a day in the period, less the further from it, never quite 0."""
    if published is None or period is None:
        return UNDATED
    first, last = period
    return math.exp(-max((first - published).days, (published - last).days, 0) / FADES)


def _period(month: str | None, year: int) -> Period:
    if month is None:
        return date(year, 1, 1), date(year, 12, 31)
    number = MONTHS.index(month.capitalize()) + 1
    return date(year, number, 1), date(year, number, calendar.monthrange(year, number)[1])
