"""Make questions of a story's own sentences: a question word in the place of a name or figure that another has too.

As Lewis et al. (ACL 2019) do, but the passage to be read is that of the other sentence, which says it in other words.
"""

import random
import re
from collections.abc import Iterator, Sequence

from clippings.lexical import FUNCTION_WORDS
from clippings.records import Article
from clippings.split import sentences, split

CLOZES = 4  # sentences of a story, at most, that are made into questions
ALIKE = 4  # other sentences, those with most words in common, in which the answer is looked for
COMMON, SHARE = 3, 0.3  # words besides the answer, and share of the question's, that the two at least have in common
AROUND = 12, 18  # words, at least and at most, that are kept on either side of the question word
MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
DAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
TIME = rf"{MONTH} \d{{1,2}}(?:, \d{{4}})?|{MONTH}(?: \d{{4}})?|{DAY}|(?:1[5-9]|20)\d\d"
MUCH = "%|[ -](?:percent|pct|dollars|dlrs|pounds|euros)"
MANY = "[ -](?:people|years?|days?|miles?)"
FIGURE = rf"[$£€]?\d(?:[\d,.]*\d)?(?:[ -](?:million|billion|trillion|mln|bln))?(?:{MUCH}|{MANY})?"
OPENS = "|".join(sorted(FUNCTION_WORDS))  # a sentence, and no name: "On Saturday", "The U.S."
TITLE = r"(?:Mr|Mrs|Ms|Dr|St|Sen|Rep|Gov|Gen)\. [A-Z]\w+"
WORD = rf"(?!(?:(?i:{OPENS})|{TIME})\b)(?:(?:[A-Z]\.){{2,}}|{TITLE}|[A-Z][\w&-]*\w)"
NAME = rf"{WORD}(?: (?:(?:of|for|de) )?(?:the )?{WORD})*"
NAMED = re.compile(rf"(?<![\w.,:'’$-])(?:(?:{TIME}|{FIGURE})(?![\w:%-]|[.,]\d)|{NAME})")
ACTS = re.compile(r" (?:said|says|told|added|wrote|thinks|won|was born)\b")
PLACED = re.compile(r"\b(?:in|near|outside) $", re.IGNORECASE)
ARTICLE = re.compile(r"\b(?:the|an?) $", re.IGNORECASE)
Places = tuple[tuple[int, int], ...]  # characters [start, end) of a text


def clozes(article: Article, draw: random.Random) -> Iterator[tuple[str, str, Places]]:
    """Give questions, each with a passage of the story that answers and with the most alike that does not.

    Each comes as question, passage and places of the answer in the passage, none where it is lacking.
    """
    passages = [[article.text[span.start : span.end] for span in group] for group in split(article, sentences(article))]
    pairs = _pairs(article.title, passages)
    for name in draw.sample(sorted(pairs), min(len(pairs), CLOZES)):
        asks, answers, number = pairs[name]
        question = worded(asks, places(asks, name)[0], draw=draw)
        text = " ".join(each for each in passages[number] if each != asks)
        before = text.index(answers)
        yield question, text, tuple((before + start, before + end) for start, end in places(answers, name))
        lacking = [
            " ".join(each for each in passage if each != asks and not _content(each) & _content(name))
            for passage in passages
        ]
        nearest = max(lacking, key=lambda text: len(_content(text) & _content(asks)))
        if nearest:
            yield question, nearest, ()


def places(text: str, words: str) -> Places:
    """Give where the words stand, whatever their case, and not as a part of longer words or figures."""
    found = re.finditer(rf"(?<![\w.,]){re.escape(words)}(?!\w|[.,]\d)", text, re.IGNORECASE)
    return tuple(match.span() for match in found)


def _pairs(title: str, passages: Sequence[Sequence[str]]) -> dict[str, tuple[str, str, int]]:
    """Find for each name the sentence, or headline, that asks for it, one that answers, and that one's passage."""
    said = [(text, _content(text), number) for number, passage in enumerate(passages) for text in passage]
    small = set(re.findall(r"\b[a-z]+", " ".join(text for text, _, _ in said)))
    pairs: dict[str, tuple[str, str, int]] = {}
    for asks in [title, *(text for text, _, _ in said)]:
        asked = _content(asks)
        others = sorted((each for each in said if each[0] != asks), key=lambda each: -len(asked & each[1]))
        for answers, words, number in others[:ALIKE]:
            for name in NAMED.findall(answers):
                about = asked - _content(name)
                alike = len(about & words) >= max(COMMON, SHARE * len(about))
                is_name = name.split()[0].lower() not in small  # what is also written small began a sentence
                if alike and is_name and len(places(asks, name)) == 1 and places(answers, name):
                    pairs.setdefault(name, (asks, answers, number))
    return pairs


def _content(text: str) -> set[str]:
    """Give the words that say something, cut short so that endings do not count."""
    return {word[:6] for word in re.findall(r"\w{3,}|\d+", text.lower()) if word not in FUNCTION_WORDS}


def worded(sentence: str, place: tuple[int, int], *, draw: random.Random) -> str:
    """Put a question word in the place of a name or figure, and leave out what is far from it."""
    name, after = sentence[place[0] : place[1]], sentence[place[1] :]
    before = ARTICLE.sub("", sentence[: place[0]])
    if re.fullmatch(TIME, name):
        word = "when"
    elif re.fullmatch(FIGURE, name):
        word = "how much" if name[0] in "$£€" or re.search(rf"(?:{MUCH})$", name) else "how many"
    elif PLACED.search(before):
        word = "where"
    else:
        word = "who" if ACTS.match(after) else draw.choice(["who", "what"])
    words = before.split(" ")[-draw.randint(*AROUND) :], after.split(" ")[: draw.randint(*AROUND)]
    return (" ".join(words[0]) + word + " ".join(words[1])).strip(" ,;:.")
