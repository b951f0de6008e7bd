"""Put right the slips of a question's spelling, by the words that the articles have."""

import re
from collections import Counter
from collections.abc import Callable, Iterable

WORD = re.compile(r"[^\W\d_]+")
# Words that are meant as they are written, with their marks; after a figure a mark stands for inches.
QUOTED = re.compile(r"(?<!\d)\"[^\"]+\"|“[^”]+”|„[^“”]+[“”]|”[^”]+”|«[^»]+»|»[^«]+«")
SHORTEST = 6  # letters; shorter words are too often one letter from another word
LONGEST = 40  # words of a question; a longer one is a pasted text and finds what it wants in spite of a slip


def corrected(question: str, known: Callable[[str], bool], *, resembling: Callable[[str], Iterable[str]]) -> str:
    """Give the question with each word that is not known replaced by the commonest word that a slip makes of it.

    `resembling` gives texts that may have such a word. A word that nothing resembles stays as it is, and so does a
    quoted one.
    """
    if len(WORD.findall(question)) > LONGEST:
        return question

    def put_right(match: re.Match[str]) -> str:
        word = match.group()
        if QUOTED.match(word) or len(word) < SHORTEST or known(word):
            return word
        words = Counter(
            found for text in resembling(word) for found in WORD.findall(text) if is_slip(word.lower(), found.lower())
        )
        totals = Counter[str]()
        for found, count in words.items():
            totals[found.lower()] += count

        def rank(found: str) -> tuple[int, bool, int, str]:
            return -totals[found.lower()], found[0].isupper() != word[0].isupper(), -words[found], found

        return min(words, key=rank, default=word)

    return re.sub(f"{QUOTED.pattern}|{WORD.pattern}", put_right, question)


def is_slip(one: str, other: str) -> bool:
    """Whether one letter more, less or other, or two neighbours changed about, make one word of the other.

    Never the first letter and the last: these are hardly ever wrong, and who differs there is someone else (Petrova).
    """
    if one == other or one[:1] != other[:1] or one[-1:] != other[-1:] or abs(len(one) - len(other)) > 1:
        return False
    if len(one) != len(other):
        longer, shorter = (one, other) if len(one) > len(other) else (other, one)
        return any(longer[:place] + longer[place + 1 :] == shorter for place in range(len(longer)))
    places = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    first, last = places[0], places[-1]
    return first == last or (last == first + 1 and one[first] == other[last] and one[last] == other[first])
