"""Split an article into sentences, and sentences into passages of whole sentences."""

import re
from bisect import bisect_left
from itertools import accumulate, pairwise

from sentencex import get_sentence_boundaries

from clippings.headline import CAPITAL, SMALL, SPACELESS, dateline
from clippings.records import Article, Span

PASSAGE_WORDS = 110  # on average at most: about 150 word pieces, inside every model's window
MAX_QUOTATION_WORDS = 60  # a quotation of several sentences stays whole up to here; longer, it is cut at its sentences
MAX_SENTENCE_CHARACTERS = 1000  # beyond this it is a list or a table, and is cut at a space
MAX_SPACELESS_CHARACTERS = 200  # of a sentence in a script without spaces: Thai has clauses, but no full stops
SPACELESS_CHARACTER = re.compile(rf"[{SPACELESS}]")
WORD = re.compile(rf"[{SPACELESS}]|[^\W{SPACELESS}]+")  # where a script has no spaces, its characters count as words
CYRILLIC = re.compile(r"[Ѐ-ӿ]")
PARAGRAPH = re.compile(r"[^\n]+")
CONTINUES = re.compile(rf"[{SMALL},;)—–-]")  # no sentence begins so: what comes before was an abbreviation
ABBREVIATION = re.compile(rf"\b(?:[{CAPITAL}]\.-[{CAPITAL}]|им)\.$")  # J.-P. Sartre; институт им. Сатпаева
QUOTATION_MARK = re.compile('["“”„«»]')
FRAGMENT_WORDS = 1  # "Friday." after "at 5 p.m." is no sentence of its own
CLAUSE_ENDS = " ，、；។"  # a space too, for it is what divides clauses in Thai


def sentences(article: Article) -> list[Span]:
    """Give the sentences in order, without the white space between them; none crosses a paragraph."""
    return [
        Span(article.id, start, end)
        for paragraph in PARAGRAPH.finditer(article.text)
        for start, end in _paragraph(article.text, paragraph.start(), paragraph.end())
    ]


def split(article: Article, sentences: list[Span]) -> list[list[Span]]:
    """Group the sentences into the fewest passages of equal length that `PASSAGE_WORDS` allows, without overlap."""
    counts = [_words(article.text[span.start : span.end]) for span in sentences]
    total = sum(counts)
    number = -(-total // PASSAGE_WORDS) or 1
    # A sentence belongs to the passage in whose equal share of the words its middle falls.
    middles = [end - count / 2 for end, count in zip(accumulate(counts), counts, strict=True)]
    shares = [total * (share + 1) / number for share in range(number)]
    groups: list[list[Span]] = [[] for _ in range(number)]
    for span, middle in zip(sentences, middles, strict=True):
        groups[min(bisect_left(shares, middle), number - 1)].append(span)
    return [group for group in groups if group]


def _words(text: str) -> int:
    return len(WORD.findall(text))


def _paragraph(text: str, start: int, end: int) -> list[tuple[int, int]]:
    paragraph = text[start:end]
    language = "ru" if len(CYRILLIC.findall(paragraph)) > len(paragraph) / 2 else "en"
    pieces = [
        shorter
        for piece in get_sentence_boundaries(language, paragraph)
        for shorter in _unquoted(text, start + piece["start_index"], start + piece["end_index"], language=language)
    ]
    opening = dateline(paragraph)
    word = start + opening.end if opening else start  # the first that is no dateline
    return [cut for first, last in _joined(text, pieces, word) for cut in _cut(text, first, last)]


def _unquoted(text: str, start: int, end: int, *, language: str) -> list[tuple[int, int]]:
    """Divide a long quotation, which the splitter keeps whole, at its sentences."""
    piece = text[start:end]
    if _words(piece) <= MAX_QUOTATION_WORDS:
        return [(start, end)]
    bare = QUOTATION_MARK.sub(" ", piece)
    ends = []
    for each in get_sentence_boundaries(language, bare):
        stop = len(bare[: each["end_index"]].rstrip())
        marks = QUOTATION_MARK.match(piece, stop)
        ends.append(start + (marks.end() if marks else stop))
    return list(pairwise([start, *ends[:-1], end]))


def _joined(text: str, pieces: list[tuple[int, int]], word: int) -> list[tuple[int, int]]:
    """Put back together what the splitter cut too finely: datelines, abbreviations, quotations with their speaker."""
    joined: list[tuple[int, int]] = []
    for first, last in pieces:
        if joined and (first <= word or _belongs(text[slice(*joined[-1])].strip(), text[first:last].strip())):
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined


def _belongs(before: str, piece: str) -> bool:
    if len(before) >= MAX_SENTENCE_CHARACTERS:
        return False
    if CONTINUES.match(piece) or ABBREVIATION.search(before[-5:]):
        return True
    if _words(piece) <= FRAGMENT_WORDS:
        return before.endswith(".") and not before.endswith("..") and not piece.endswith(("?", "!"))
    return _open_quotation(before) and _words(before) + _words(piece) <= MAX_QUOTATION_WORDS


def _open_quotation(text: str) -> bool:
    if text.endswith(('"', "“")):  # it closes what an earlier part of a long quotation opened
        return False
    double = text.count("„") - text.count("“") if "„" in text else text.count("“")  # „German“ and “English” share one
    return text.count('"') % 2 == 1 or double > text.count("”") or text.count("«") > text.count("»")


def _cut(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Trim white space; cut what is longer than a sentence can be where the last clause before the limit ends."""
    spaceless = len(SPACELESS_CHARACTER.findall(text, start, end)) > (end - start) / 2
    limit = MAX_SPACELESS_CHARACTERS if spaceless else MAX_SENTENCE_CHARACTERS
    cuts = []
    while start < end:
        stop = end
        if end - start > limit:
            clause = max(text.rfind(mark, start + 1, start + limit) for mark in CLAUSE_ENDS)
            stop = clause + 1 if clause > 0 else start + limit
        piece = text[start:stop]
        if piece.strip():
            left = start + len(piece) - len(piece.lstrip())
            cuts.append((left, left + len(piece.strip())))
        start = stop
    return cuts
