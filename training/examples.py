"""Make the reader's training examples: python training/examples.py --out FOLDER.

Human questions on paragraphs (squad), on single sentences (qamr) and on a text that they had not read (canard), quiz
questions with the news passages that hold their answers (rtqa), and, so that the reader learns to say no, passages that
our own retriever finds for a question although they do not answer it. News stories (reuters, rtqa) make many more
questions by themselves (cloze.py), and others were written for this project (written.py). Only the "train" part of
squad, canard and rtqa is read, and no story that our retriever finds for a question of another part.
"""

import argparse
import gzip
import json
import random
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the project itself is not installed
sys.path.insert(0, str(ROOT / "benchmarks"))

import sets
from cloze import Places, clozes, places
from written import QUESTIONS, passages, written

from clippings.embed import Encoder
from clippings.index import Index, Query
from clippings.records import Article
from clippings.retrieve import Retrieved, retrieve, share
from clippings.split import sentences

SEED = 1
RETRIEVED = 20  # passages looked at for a question
NEGATIVES = 4  # of them kept, at most, as not answering
POSITIVES = 3  # of them kept, at most, as answering a quiz question
FROM_THE_TOP = 8  # of the passages, those in which a quiz answer's words are taken for the answer
SHARED = 0.3  # of the question's terms, by rarity, that the sentence with these words must have
ACROSS = 1500  # squad questions that are put to the news articles
DISTRACTORS = 3  # sentences, at most, around that of a qamr question
OPPOSITES = {
    word: other
    for pair in (
        "first last",
        "largest smallest",
        "highest lowest",
        "biggest tiniest",
        "longest shortest",
        "oldest youngest",
        "earliest latest",
        "before after",
        "above below",
        "inside outside",
        "northern southern",
        "eastern western",
        "north south",
        "east west",
        "increase decrease",
        "increased decreased",
        "begin end",
        "began ended",
        "start stop",
        "started stopped",
        "founded dissolved",
        "built demolished",
        "joined left",
        "allowed banned",
        "supported opposed",
        "accepted rejected",
        "male female",
        "public private",
    )
    for word, other in (pair.split(), reversed(pair.split()))
}
SPECIFIC = {  # what a question can be about that another could be in its place
    "name": re.compile(r"(?<=[a-z,] )[A-Z][\w.]*[a-z](?: [A-Z][\w.]*[a-z])*"),
    "year": re.compile(r"\b1[0-9]{3}\b|\b20[0-2][0-9]\b"),
    "opposite": re.compile(rf"\b(?:{'|'.join(OPPOSITES)})\b"),
}
NO_SPACE_BEFORE = re.compile(r"[.,;:!?%)\]}]|'s|'S|n't|'re|'ve|'ll|'d|'m|'|''|…")
NO_SPACE_AFTER = re.compile(r"[(\[{$£€#]|``")


@dataclass(frozen=True)
class Example:
    """A question put to a passage; `spans` are the answers, in characters of `text`, none when it does not answer."""

    kind: str  # where it comes from, so that each can have its share
    question: str
    title: str
    text: str
    spans: Places


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", metavar="FOLDER")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where examples.jsonl.gz goes")
    arguments = parser.parse_args()
    draw = random.Random(SEED)
    encoder = Encoder()
    squad, rtqa = sets.squad(arguments.data), sets.rtqa(arguments.data)
    paragraphs = {article.id: article for article in squad.articles}
    asked = [each for each in squad.asked if each.part == "train"]
    examples = [*_given("squad", asked, paragraphs), *_cut("squad", asked, paragraphs), *_qamr(arguments.data, draw)]
    examples += _swapped(asked, paragraphs, draw)
    ids = sorted({each.article or "" for each in asked})
    with sets.indexed([paragraphs[id] for id in ids], encoder) as index:
        for each in asked:
            examples += _wrong("squad-retrieved", each, index)
    apart = [each for each in rtqa.asked if each.part != "train"]
    others = {each.article for each in apart}  # what answers these is not taught as wrong
    with sets.indexed([article for article in rtqa.articles if article.id not in others], encoder) as index:
        for each in (each for each in rtqa.asked if each.part == "train"):
            examples += _quiz(each, index)
        for each in (each for each in sets.outside(arguments.data) if each.part == "train"):
            examples += _wrong("outside-retrieved", each, index)
        for each in draw.sample([each for each in asked if each.golds], ACROSS):
            examples += _wrong("news-retrieved", each, index)
        others |= {
            found.article.id for each in apart for found in retrieve(index.query(each.question), index, k=RETRIEVED)
        }
    # None of the news that is read when it is measured.
    news = [article for article in rtqa.articles if article.id not in others]
    stories = [*sets.reuters(arguments.data), *news]
    for article in stories:
        for question, text, spans in clozes(article, draw):
            examples.append(Example("cloze" if spans else "cloze-without", question, "", text, spans))
    talk = sets.conversations(arguments.data)
    texts = {article.id: article for article in talk.articles}
    said = [each for each in talk.asked if each.part == "train"]
    examples += [*_given("canard", said, texts), *_cut("canard", said, texts)]
    taught = [(paragraphs[id].title, paragraphs[id].text) for id in ids]
    taught += chain.from_iterable(map(passages, stories))
    ours = [Example(*each) for each in written(sets.rows(QUESTIONS), taught)]
    sources = {text: article.id for article in news for _, text in passages(article)}
    asked = [_asked(each, sources[each.text]) for each in ours if each.kind == "written" and each.text in sources]
    with sets.indexed(news, encoder) as index:
        for each in asked:
            ours += _wrong("written-retrieved", each, index)
    examples += ours
    arguments.out.mkdir(parents=True, exist_ok=True)
    with gzip.open(arguments.out / "examples.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(example), ensure_ascii=False) + "\n" for example in examples)
    for kind in dict.fromkeys(example.kind for example in examples):
        of = [example for example in examples if example.kind == kind]
        print(f"{kind:20} {len(of):6} examples, {sum(bool(each.spans) for each in of):6} answerable")
    return 0


def _given(kind: str, asked: Sequence[sets.Asked], articles: dict[str, Article]) -> Iterator[Example]:
    """Put each question to the text that it was asked about."""
    for each in asked:
        article = articles[each.article or ""]
        spans = tuple((gold.start, gold.start + len(gold.text)) for gold in each.golds)
        yield Example(kind if spans else f"{kind}-unanswerable", each.question, article.title, article.text, spans)


def _asked(example: Example, article: str) -> sets.Asked:
    """Give an answerable example as the question that it was, for the answer's words to be missed elsewhere."""
    golds = tuple(sets.Gold(example.text[start:end], start) for start, end in example.spans)
    return sets.Asked("", example.question, "train", article, golds)


def _cut(kind: str, asked: Sequence[sets.Asked], articles: dict[str, Article]) -> Iterator[Example]:
    """Take the answer's sentence out of its text, where the words stand nowhere else in it."""
    for each in asked:
        article = articles[each.article or ""]
        spans = sentences(article)
        keep = [
            article.text[span.start : span.end]
            for span in spans
            if not any(span.start <= gold.start < span.end for gold in each.golds)
        ]
        text = " ".join(keep)
        if each.golds and keep and len(keep) < len(spans) and not _places(text, each.golds):
            yield Example(f"{kind}-cut", each.question, article.title, text, ())


def _swapped(asked: Sequence[sets.Asked], paragraphs: dict[str, Article], draw: random.Random) -> Iterator[Example]:
    """Ask about another name, another year or the opposite, of which the paragraph says nothing."""
    of_topic: dict[tuple[str, str], list[str]] = {}
    for each in asked:
        for kind, pattern in SPECIFIC.items():
            others = of_topic.setdefault((paragraphs[each.article or ""].title, kind), [])
            others += pattern.findall(each.question)
    for each in (each for each in asked if each.golds):
        article = paragraphs[each.article or ""]
        known = f"{article.title} {article.text}".lower()
        swaps = [
            (match.span(), other)
            for kind, pattern in SPECIFIC.items()
            for match in pattern.finditer(each.question)
            for other in ([OPPOSITES[match[0]]] if kind == "opposite" else of_topic[article.title, kind])
            if match[0].lower() in known and other.lower() not in known
        ]
        if swaps:
            (start, end), other = draw.choice(swaps)
            question = each.question[:start] + other + each.question[end:]
            yield Example("squad-swapped", question, article.title, article.text, ())


def _wrong(kind: str, asked: sets.Asked, index: Index) -> Iterator[Example]:
    """Give the best passages that are neither of the question's own article nor hold the words of its answer."""
    found = retrieve(index.query(asked.question), index, k=RETRIEVED)
    wrong = [each for each in found if each.article.id != asked.article and not _places(_text(each), asked.golds)]
    for each in wrong[:NEGATIVES]:
        yield Example(kind, asked.question, each.article.title, _text(each), ())


def _quiz(asked: sets.Asked, index: Index) -> Iterator[Example]:
    """Take the words of the right choice for the answer where they stand in a sentence that is about the question."""
    query = index.query(asked.question)
    found = retrieve(query, index, k=RETRIEVED)
    right = [
        (each, _about(query, each, index, places=_places(_text(each), asked.golds))) for each in found[:FROM_THE_TOP]
    ]
    for each, spans in [(each, spans) for each, spans in right if spans][:POSITIVES]:
        yield Example("rtqa", asked.question, each.article.title, _text(each), spans)
    yield from _wrong("rtqa-retrieved", asked, index)


def _about(query: Query, each: Retrieved, index: Index, *, places: Places) -> Places:
    """Keep the places in sentences that have enough of the question's terms."""
    rarity = index.rarity(query.content)
    first = each.candidate.passage.span.start
    sentences = [
        (span.start - first, span.end - first)
        for span, terms in zip(each.candidate.passage.sentences, each.sentences, strict=True)
        if share(rarity, terms) >= SHARED
    ]
    return tuple(place for place in places if any(start <= place[0] < end for start, end in sentences))


def _text(each: Retrieved) -> str:
    span = each.candidate.passage.span
    return each.article.text[span.start : span.end]


def _places(text: str, golds: Sequence[sets.Gold]) -> Places:
    """Give where the words of an answer stand, whatever their case, article or quotation marks."""
    bare = [re.sub(r"^(?:the|an?) ", "", gold.text.strip("“”\"'. "), flags=re.IGNORECASE) for gold in golds]
    return tuple(place for words in bare for place in places(text, words))


def _qamr(data: Path, draw: random.Random) -> Iterator[Example]:
    """Put each question to its sentence alone, to its sentence among others, or now and then to the others only."""
    rows = list(sets.rows(data / "qamr" / "pairs.jsonl.gz"))
    sentences = {row["sentence"]: _untokenised(row["sentence"].split(" ")) for row in rows}
    others = sorted(sentences)
    for row in rows:
        text, places = sentences[row["sentence"]]
        tokens = row["answer_tokens"]
        first, last = min(tokens), max(tokens)
        if last - first + 1 > len(tokens) + 1:
            continue  # words from here and there are no span
        around = [each for each in draw.sample(others, draw.randint(0, DISTRACTORS)) if each != row["sentence"]]
        parts = [sentences[each][0] for each in around]
        if len(parts) > 1 and draw.random() < 0.2:
            yield Example("qamr-without", row["question"], "", " ".join(parts), ())
            continue
        place = draw.randint(0, len(parts))
        before = "".join(part + " " for part in parts[:place])
        whole = before + " ".join([text, *parts[place:]])
        span = (len(before) + places[first][0], len(before) + places[last][1])
        yield Example("qamr", row["question"], "", whole, (span,))


def _untokenised(tokens: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """Join tokens as people write them, and say where each of them then stands."""
    text, places, quoted, glued = "", [], False, True
    for token in tokens:
        plain = {"``": '"', "''": '"', "-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]"}.get(token, token)
        closes = plain == '"' and quoted
        if not glued and not closes and not NO_SPACE_BEFORE.fullmatch(plain):
            text += " "
        glued = bool(NO_SPACE_AFTER.fullmatch(plain)) or (plain == '"' and not quoted)
        quoted = quoted != (plain == '"')
        places.append((len(text), len(text) + len(plain)))
        text += plain
    return text, places


if __name__ == "__main__":
    sys.exit(main())
