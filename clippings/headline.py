"""What stands at the head of an article: its headline, byline, dateline, agency and date."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

HEADLINE = 200  # characters; a longer line is a paragraph
HEADLINE_WORDS = 4  # a menu entry or a section's name has fewer
DECK = 8  # words: between headline and story a shorter line is a byline or a button
OPENING = 12  # words: a sentence as long can open a story; what stands above it may be the headline
KIN = 0.4  # of a headline's words at least come again in its article; another article's headline has fewer than its own
STEM = 5  # letters: so much of an English word stays as it is when inflected; of others one less
CUT = "…"
TITLE = 100  # characters of a first sentence that stands in for a headline

CAPITAL = "".join(char for char in map(chr, range(0x530)) if char.isupper())  # of Latin, Greek and Cyrillic script
SMALL = "".join(char for char in map(chr, range(0x530)) if char.islower())
SPACELESS = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # scripts without spaces
WORD = re.compile(rf"[{SPACELESS}]{{1,2}}|[^\W_{SPACELESS}]+(?:['’-][^\W_{SPACELESS}]+)*")
STEMMED = re.compile(rf"[{SPACELESS}]|[^\W_{SPACELESS}]{{4,}}")  # shorter words are in every article
CLOSING = "\"'”’»›」』)\\]"
SENTENCE_END = re.compile(rf"[.!?…。！？．؟۔।॥։።][{CLOSING}]*$")
FULL_STOP = re.compile(rf"(?<!\.)[.。．۔।։።][{CLOSING}]*$")
SHORTENED = rf"(?<!\b\w)(?<!\b[{CAPITAL}]\w)(?<!\b[{CAPITAL}]\w\w)"  # "J.", "Mr.", "Gen." end no sentence
FIRST_SENTENCE = re.compile(rf".+?(?:[!?…؟۔।]+|{SHORTENED}\.+)[{CLOSING}]*(?=\s)|.+?[。！？][{CLOSING}]*")

MONTHS = (
    r"jan(?:uary)?|янв(?:ар[ья])?",
    r"feb(?:ruary)?|фев(?:рал[ья])?",
    r"mar(?:ch)?|мар(?:та?)?",
    r"apr(?:il)?|апр(?:ел[ья])?",
    r"may|ма[йя]",
    r"june?|июн[ья]?",
    r"july?|июл[ья]?",
    r"aug(?:ust)?|авг(?:уста?)?",
    r"sept?(?:ember)?|сен(?:т(?:ябр[ья])?)?",
    r"oct(?:ober)?|окт(?:ябр[ья])?",
    r"nov(?:ember)?|ноя(?:бр[ья])?",
    r"dec(?:ember)?|дек(?:абр[ья])?",
)
ANY_MONTH = rf"(?i:{'|'.join(MONTHS)})\b"
MONTH = rf"(?P<month>{'|'.join(MONTHS)})\b\.?"
DAY = r"(?<!\d)(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
YEAR = r"(?P<year>(?:19|20)\d\d)(?!\d)"
DATES = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"\b{MONTH} {DAY}(?:,? {YEAR})?(?!\d)",
        rf"{DAY}\.? (?:de )?{MONTH}(?:,? {YEAR})?",
        rf"(?<!\d){YEAR}-(?P<month>[01]\d)-(?P<day>[0-3]\d)(?!\d)",
        rf"(?<![\d.])(?P<day>[0-3]?\d)\.(?P<month>[01]?\d)\.{YEAR}",  # with strokes either may come first
        rf"(?<!\d){YEAR}\s?年\s?(?P<month>1?\d)\s?月\s?(?P<day>[0-3]?\d)\s?日",
    )
)

NAME = r"[^\W\d_][^\d,;:!?()/—–\"“«]"  # how a place begins, and what the rest of its name is made of
# "Staff Writer", "Associated Press", "Political Editor", "Kyiv Post": not another author's name.
ROLE = (
    r"(?:Staff|Senior|Chief|Special|Contributing|Associated) "
    r"|(?:[\w.'’-]+ ){1,3}(?:Writer|Reporter|Correspondent|Editor|Bureau|Agency|News|Post|Times|Herald|Press)\b"
)
PERSON = rf"[{CAPITAL}][\w.'’-]*(?: (?:(?:de|da|di|la|van|von|der|den|al|bin) )*[{CAPITAL}][\w.'’-]*){{1,3}}"
PLACE = rf"[{CAPITAL}][\w.’-]*(?: [{CAPITAL}][\w.’-]*){{0,2}}"
# A phrase with one of these is no byline: a byline that is kept does less harm than text that is lost.
NOBODY = (
    rf"{ANY_MONTH}|(?i:(?:mon|tues|wednes|thurs|fri|satur|sun)day)|Night|Morning|Evening|Year|The|Order|United|Popular"
)
BYLINE = re.compile(
    rf"(?:By|BY) (?![^,]*\b(?:{NOBODY})\b)(?P<author>{PERSON}(?:(?:, | and |, and | AND )(?!{ROLE}){PERSON})*)"
    rf"(?: in {PLACE}|\s*[,|·•/–—-](?: ?[{CAPITAL}][\w.’-]*| of| for| and){{1,5}})?"
)
AGENCY = rf"[{CAPITAL}]{{3,12}}(?:[. ][{CAPITAL}][\w-]+)?"  # KAZINFORM, INTERFAX.RU, РИА Новости
DATELINE = re.compile(
    rf"""
    (?P<line>
        (?P<place> {NAME}{{1,40}} (?:,[ ](?!{ANY_MONTH}){NAME}{{1,30}}?)? )        # MOSCOW   WASHINGTON, D.C.
        (?:[,.][ ] (?P<date> [^/()—–!?"“«]{{0,20}}? \d [^/()—–!?"“«]{{0,20}}? ))?  # , January 13   . Jan 13
    )
    (?: \s*[.,]?\s* /(?P<slashes>[^/\d]{{2,40}})/                                  # . /TASS/
    |   \s* \((?P<brackets>[^()\d]{{2,40}})\) (?:\s*[—–-]|\.\s)                    # (Reuters) -   (Kyiv Post).
    |   (?:\.\s|(?(date)\s[—–-]\s|(?!))) (?P<capitals>{AGENCY}) (?:\s[—–-]|\.) \s  # . KAZINFORM -   - РИА Новости.
    |   (?(date) (?P<none>\.?\s*[—–]|\.?\s-|\.) \s | (?!) )                        # after a date: —   .
    ) \W*
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Dateline:
    """The place and date that open a report, and the agency that it comes from."""

    text: str  # as the article has it: "MOSCOW, January 13"
    agency: str | None
    published: date | None  # None unless the year is there too
    end: int  # characters before the report's own first word


@dataclass(frozen=True)
class Head:
    """What the lines around an article's beginning come to."""

    title: str
    text: list[str]  # the paragraphs, without headline, byline and date line
    author: str | None
    published: date | None


def words(line: str) -> int:
    """Count the words of a line; two characters count for one where a script has no spaces."""
    return len(WORD.findall(line))


def has_text(lines: Iterable[str]) -> bool:
    """Tell whether any line has a letter or a digit."""
    return any(char.isalnum() for line in lines for char in line)


def dateline(paragraph: str) -> Dateline | None:
    """Find the dateline that the paragraph opens with."""
    match = DATELINE.match(paragraph)
    if match is None:
        return None
    day = match["date"]
    if day is not None and not any(form.fullmatch(day.strip(" .")) for form in DATES):
        return None
    # Capitals or a date tell a dateline from "Ivan Petrov (ODKB) - a general"; without agency it takes both.
    capitals = match["place"].split(",")[0].isupper()
    if not (capitals or day) or (match["none"] is not None and not (capitals and day)):
        return None
    agency = match["slashes"] or match["brackets"] or match["capitals"]
    if agency is not None:
        agency = agency.strip().upper() if agency.islower() else agency.strip()
    return Dateline(match["line"].strip(), agency, _full_date(day) if day else None, match.end())


def find_head(above: Sequence[str], lines: Sequence[str], title: str) -> Head:
    """Tell the title and text of an article from its lines, those above them, and its title when known."""
    opening = next((place for place, line in enumerate(lines) if _opens(line)), 0)
    story = lines[opening:]
    first_lines = [*above, *lines[:opening]]
    place = _headline_place(first_lines[: len(above) + 1], story, title)
    below = len(above) if place is None else place + 1
    dates = [] if any(map(is_date_line, story)) else first_lines  # in a chronicle dates are headings
    # Without a headline above it, "By Train Through Siberia" may be one.
    under = first_lines[below:] if title or place is not None else []
    bylines = {
        line: match["author"] for line in under if (match := BYLINE.fullmatch(line)) and not title.startswith(line)
    }
    decks = [line for line in first_lines[below : len(above)] if line not in bylines and not is_date_line(line)][-1:]
    own = [
        line
        for line in first_lines[max(below, len(above)) :]
        if line not in bylines and not (dates and is_date_line(line))
    ]
    text = [*(line for line in decks if words(line) >= DECK), *own, *story]
    if place is not None and not title:
        title = first_lines[place]
    title = title or _opening_words(text)
    while has_text(text[1:]) and _repeats(text[0], title):
        del text[0]
    return Head(title, text, ", ".join(dict.fromkeys(bylines.values())) or None, _publication(dates, below))


def is_date_line(line: str) -> bool:
    """Tell whether a line is there for its date."""
    return words(line) < DECK and _full_date(line) is not None


def _full_date(line: str) -> date | None:
    """Find the first date in the line that has day, month and year; in English, Russian or figures."""
    for form in DATES:
        for match in form.finditer(line):
            if match["year"]:
                try:
                    return date(int(match["year"]), month_number(match["month"]), int(match["day"]))
                except ValueError:  # 31.02.2022: figures that are no date
                    continue
    return None


def month_number(name: str) -> int:
    """Give 1 to 12 for a month, from a name, its abbreviation, or figures."""
    if name.isdigit():
        return int(name)
    return next(number for number, form in enumerate(MONTHS, 1) if re.fullmatch(form, name, re.IGNORECASE))


def _opens(line: str) -> bool:
    """Tell whether a line is long enough a sentence for the first of a story."""
    return (words(line) >= OPENING and SENTENCE_END.search(line) is not None) or dateline(line) is not None


def _headline_place(lines: Sequence[str], story: Sequence[str], title: str) -> int | None:
    """Find the headline among the lines above an article and its own first line."""
    said = [place for place, line in enumerate(lines) if title and _repeats(line, title)]
    if said:
        return said[-1]
    stems = {stem for line in story for stem in _long_stems(line)}
    kin = {}
    for place, line in enumerate(lines[: len(lines) - bool(title)]):  # a title that is known says nothing of another
        own = _long_stems(line)
        if _could_be_headline(line) and own and len(own & stems) >= KIN * len(own):
            kin[place] = len(own & stems) / len(own)
    return max(kin, key=lambda place: (kin[place], -place)) if kin else None


def _could_be_headline(line: str) -> bool:
    """Tell whether a line has the length of a headline and no full stop."""
    return words(line) >= HEADLINE_WORDS and len(line) <= HEADLINE and not FULL_STOP.search(line)


def _long_stems(line: str) -> set[str]:
    """Give the starts of a line's longer words, without regard to case."""
    return {word[: STEM - (not word.isascii())] for word in STEMMED.findall(line.casefold())}


def _publication(lines: Sequence[str], below: int) -> date | None:
    """Give the date of publication: the earliest below the headline, where updates follow, else the only one above it.

    Above the headline a page may also show the day on which it was saved, and nothing tells the two apart.
    """
    dates = [(place, day) for place, line in enumerate(lines) if is_date_line(line) and (day := _full_date(line))]
    under = [day for place, day in dates if place >= below]
    over = {day for _, day in dates}
    return min(under) if under else over.pop() if len(over) == 1 else None


def _repeats(line: str, title: str) -> bool:
    """Tell whether a line is the title, but for case, marks and spaces; a sentence or a title cut short never is."""
    same = WORD.findall(line.casefold()) == WORD.findall(title.casefold())
    return same and not FULL_STOP.search(line) and not title.endswith(CUT)


def _opening_words(text: Sequence[str]) -> str:
    """Give an article that has no headline its first sentence, cut at a word; with CUT where it would repeat a line."""
    paragraph = next((line for line in text if words(line) >= HEADLINE_WORDS), text[0])
    sentence = FIRST_SENTENCE.match(paragraph, 0, 2 * TITLE)  # more would be cut all the same
    title = sentence[0] if sentence else paragraph
    if len(title) > TITLE:
        start = title[: TITLE - len(CUT)]
        title = (start[: start.rindex(" ")] if " " in start else start).rstrip(" ,;:—–-") + CUT
    return title + CUT if _repeats(text[0], title) else title
