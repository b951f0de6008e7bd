"""What time a question asks about, and how near to it an article was published."""

import calendar
import re
from datetime import date

from clippings.headline import MONTH, month_number

Period = tuple[date, date]  # its first and its last day

TIME = re.compile(
    rf"(?:\b(?P<side>since|after|before|until) )?(?:\b{MONTH}(?: \d{{1,2}}(?:st|nd|rd|th)?)?,? )?"
    r"\b(?P<year>1[6-9]\d\d|20\d\d)(?P<decade>s)?\b",
    re.IGNORECASE | re.ASCII,  # English only: the words around a date are
)
HALVES = 365.0  # days off at which nearness is 1/2: the last weeks' articles are alike, those of last year are not
UNDATED = 0.5  # the nearness of an article that may be of any time


def asked_about(question: str, *, dates: Period | None) -> Period | None:
    """Give the time that the question names, from the first to the last of its years, or months of a year.

    `dates` are those of the oldest and the newest article. A year beyond them is a mere figure, or a time that no
    article is of; who names no other asks about the present, the newest article's day. None when no article has a date.
    """
    if dates is None:
        return None
    oldest, newest = dates
    named = []
    for match in TIME.finditer(question):
        first, last = _period(match["month"], int(match["year"]), decade=match["decade"] is not None)
        if first <= newest and last >= oldest:
            side = (match["side"] or "").lower()
            first = min(first, oldest) if side in ("before", "until") else first
            last = max(last, newest) if side in ("since", "after") else last
            named.append((first, last))
    if named:
        return min(first for first, _ in named), max(last for _, last in named)
    return newest, newest


def nearness(published: date | None, period: Period | None) -> float:
    """Give 1 for a day in the period, less the further from it, never 0."""
    if published is None or period is None:
        return UNDATED
    first, last = period
    return 1 / (1 + max((first - published).days, (published - last).days, 0) / HALVES)


def _period(month: str | None, year: int, *, decade: bool) -> Period:
    if month is None:
        return date(year, 1, 1), date(year + 9 if decade else year, 12, 31)
    number = month_number(month)
    return date(year, number, 1), date(year, number, calendar.monthrange(year, number)[1])
