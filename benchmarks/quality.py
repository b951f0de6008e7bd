"""Measure how well questions are answered: python benchmarks/quality.py.

A fresh index is made of each set's articles, and the questions of the part "report" are put to it. They are answered
with nothing refused, except where refusing is measured. One table is printed. When everything was measured on the
project's own data with its own reader, or with --write, the table also goes to benchmarks/RESULTS.md and the
risk-coverage curve beside it. --fast --json prints what benchmarks/floors.json pins.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the project itself is not installed

import metrics
import sets
from metrics import Case, Curve, EventCase, Extract, Figure, Rankings, figure
from questions import is_right
from sets import Asked, Corpus
from tqdm import tqdm

from clippings.answer import FOUND, Considered, answer, consider, quoted
from clippings.embed import Encoder
from clippings.errors import ClippingsError
from clippings.index import Candidate, Index
from clippings.ingest import ingest
from clippings.read import asks_yes_or_no, read
from clippings.reader import DEFAULT_READER, Reader, open_reader
from clippings.records import Article
from clippings.retrieve import DEPTH, POOL, retrieve
from clippings.split import sentences

DATA = ROOT.parent / "shared" / "data"
RESULTS = ROOT / "benchmarks" / "RESULTS.md"
CURVE = "risk-coverage.svg"  # beside the results
NAMES = ("rtqa", "news", "squad", "reading", "refusing", "conversations", "events", "kazakhstan")
FAST = 100  # questions at most, over the paragraphs that report questions are on: half a minute, for a test
BM25_PASSAGES = 20  # that reading alone is to put in order

PAGE = """\
# How well questions are answered

Commit {commit}, data {fingerprint}, reader {reader}, on {machine}. `python benchmarks/quality.py` writes this page.

{table}

A share of n questions is known to 1 / (2 √n) at best: .09 of 30, .05 of 100, .02 of 700. All are of the part
"report" (`benchmarks/sets.py`): no weight and no threshold was fitted on it, but which signals there are, how much
a term in a headline counts for BM25, what a long answer costs, from where on words are picked out, what of several
dates comes first, that confidence is a step less for yes or no, that a little less is refused than by the fit (.94
of paragraphs' questions answered on tune, not .92 or .93), and which runs of earlier readers are averaged, was chosen
with figures of it in view, and three of earlier runs were taught with sentences of the rtqa articles
(`training/README.md`); data that nobody has seen may give a little less. Except where it is measured nothing is
refused. "news" are questions that a language model wrote for this project on passages of the rtqa articles
(`benchmarks/news.jsonl`), half of which their passage does not answer; another article may, and it wrote what the
reader learnt in the same way. "near" are questions on a paragraph that does not answer them, "far" those of later
years. "conversations" (CANARD) are questions of people who had not read the text; of that the articles hold what
was answered, a handful of sentences on one topic. "others" are those that do not ask for yes or no. "events" (NeuS)
are asked about by a title that says in other words what the stories do. Both are put to the half of the articles
that has theirs and to the other half.

Published, of all of these questions or of others of their kind:

- [1] BM25 (k1 .9, b .4, Porter stems) over 200-word passages, all of 2022; the right choice in the first of them.
- [2] RealTime QA (Kasai et al., 2023): GPT-3 alone, BART with web search, GPT-3 with web search.
- [3] the same BM25 over paragraphs and, roughly, over sentences.
- [4] SQuAD 2.0 (Rajpurkar et al., 2018): always refusing, BiDAF+ELMo, BERT (Devlin et al., 2019), tinyroberta-squad2.
- [5] haiku.rag, on MTRAG.

![Risk over coverage]({curve})

How often the first sentence is wrong, when only the questions with the surest answers are answered. A dot is where the
program stops answering.
"""


@dataclass(frozen=True)
class Outcome:
    """What was measured."""

    figures: tuple[Figure, ...] = ()
    curves: tuple[Curve, ...] = ()


@dataclass(frozen=True)
class Origin:
    """What figures depend on."""

    commit: str
    fingerprint: str
    machine: str
    reader: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--only", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}; writes nothing")
    extent.add_argument("--fast", action="store_true", help=f"{FAST} squad questions at most; writes nothing")
    extent.add_argument("--write", action="store_true", help="write the results of other data or another reader, too")
    parser.add_argument("--data", type=Path, default=DATA, metavar="FOLDER", help="other data of the same shape")
    parser.add_argument("--reader", default=DEFAULT_READER, metavar="NAME", help="another reader; none: without one")
    parser.add_argument("--json", action="store_true", help="print the figures for a program")
    arguments = parser.parse_args()
    own = arguments.data.resolve() == DATA.resolve() and arguments.reader == DEFAULT_READER
    names = (arguments.only,) if arguments.only else NAMES
    origin = Origin(commit(), sets.fingerprint(arguments.data), machine(), arguments.reader)
    try:
        reader = open_reader(arguments.reader)
        outcome = measure(arguments.data, names, encoder=Encoder(), reader=reader, fast=arguments.fast)
    except ClippingsError as error:
        print(error, file=sys.stderr)
        return 1
    if not outcome.figures:
        print("nothing was measured: the data lacks it, or reading lacks a reader", file=sys.stderr)
        return 1
    print(as_json(outcome.figures, origin) if arguments.json else metrics.as_table(outcome.figures))
    if arguments.write or (own and not arguments.only and not arguments.fast):
        RESULTS.write_text(as_page(outcome.figures, origin), encoding="utf-8")
        draw(outcome.curves, RESULTS.with_name(CURVE))
    return 0


# Measuring


def measure(
    data: Path, names: Collection[str], *, encoder: Encoder, reader: Reader | None, fast: bool = False
) -> Outcome:
    """Measure what is named; `fast`, only what squad has, on some of its questions."""
    paragraphs = sets.squad(data)
    outcomes = [on_paragraphs(subset(paragraphs) if fast else paragraphs, names, encoder=encoder, reader=reader)]
    if not fast:
        outcomes.append(on_news(data, names, encoder=encoder, reader=reader))
        outcomes.append(on_conversations(data, names, encoder=encoder, reader=reader))
        outcomes.append(on_events(data, names, encoder=encoder, reader=reader))
        outcomes.append(on_sources(data.parent, names, encoder=encoder, reader=reader))
    figures = sorted(
        (each for outcome in outcomes for each in outcome.figures), key=lambda each: NAMES.index(each.name)
    )
    return Outcome(tuple(figures), tuple(curve for outcome in outcomes for curve in outcome.curves))


def on_paragraphs(corpus: Corpus, names: Collection[str], *, encoder: Encoder, reader: Reader | None) -> Outcome:
    """Measure on the squad paragraphs: reading the right one, finding it, and refusing what it does not answer."""
    asked = report(corpus.asked)
    figures: list[Figure] = []
    curves: list[Curve] = []
    if "reading" in names and reader:
        articles = {article.id: article for article in corpus.articles}
        figures += metrics.reading([_read(each, articles, reader) for each in tqdm(asked, "reading")])
    if {"squad", "refusing"} & set(names):
        with sets.indexed(corpus.articles, encoder) as index:
            cases = ask(asked, index, reader=reader)
        if "squad" in names:
            figures += metrics.retrieval("squad", cases, what="paragraph")
            figures += metrics.right_sentence("squad", cases)
        if "refusing" in names:
            figures += metrics.refusing("near", cases)
            curves.append(metrics.curve("near", cases))
    return Outcome(tuple(figures), tuple(curves))


def on_news(data: Path, names: Collection[str], *, encoder: Encoder, reader: Reader | None) -> Outcome:
    """Measure on the rtqa articles: quiz questions, questions written on some of them, and those of later years."""
    figures: list[Figure] = []
    curves: list[Curve] = []
    if {"rtqa", "news", "refusing"} & set(names):
        corpus = sets.rtqa(data)
        with sets.indexed(corpus.articles, encoder) as index:
            if "news" in names:
                written = ask(report(sets.written(corpus.articles)), index, reader=reader)
                figures += metrics.news(written)
            cases = ask(report(corpus.asked), index, reader=reader)
            if "rtqa" in names:
                figures += metrics.retrieval("rtqa", cases, what="source article")
                figures.append(over_bm25(cases, index, reader=reader))
                figures += metrics.right_choice(cases)
            if "refusing" in names:  # of a question without a known article, nobody knows whether it can be answered
                far = ask(report(sets.outside(data)), index, reader=reader)
                far += [case for case in cases if case.asked.article]
                figures += metrics.refusing("far", far)
                curves.append(metrics.curve("far", far))
    return Outcome(tuple(figures), tuple(curves))


def on_conversations(data: Path, names: Collection[str], *, encoder: Encoder, reader: Reader | None) -> Outcome:
    """Measure on what was asked by people who had not read, with the half of the articles that it is on and without."""
    if "conversations" not in names:
        return Outcome()
    corpus = sets.conversations(data)
    titles = {article.id: article.title for article in corpus.articles}
    asked = [(each, replace(each, article=None, golds=())) for each in report(corpus.asked)]
    cases: list[Case] = []
    for half, index in sets.halves([(article.title, article) for article in corpus.articles], encoder):
        put = [here if titles[here.article or ""] in half else elsewhere for here, elsewhere in asked]
        cases += ask(put, index, reader=reader)
    yes_or_no = [case for case in cases if asks_yes_or_no(case.asked.question)]
    others = [case for case in cases if not asks_yes_or_no(case.asked.question)]
    rows = (*metrics.conversations("yes or no", yes_or_no), *metrics.conversations("others", others))
    return Outcome(rows if cases else ())


def on_events(data: Path, names: Collection[str], *, encoder: Encoder, reader: Reader | None) -> Outcome:
    """Measure on mere topics: the titles of events, with the half of the stories that is theirs and without."""
    if "events" not in names:
        return Outcome()
    events = [event for event in sets.events(data) if event.part == "report"]
    cases = []
    for half, index in sets.halves([(event.topic, story) for event in events for story in event.stories], encoder):
        for event in tqdm(events, "events"):
            found = consider(event.topic, index, reader=reader)
            ids = {story.id for story in event.stories}
            own = any(reading.span.article_id in ids for reading in found.readings[:1])
            cases.append(EventCase(event.topic in half, found.probability, own))
    return Outcome(tuple(metrics.events(cases)) if cases else ())


def on_sources(shared: Path, names: Collection[str], *, encoder: Encoder, reader: Reader | None) -> Outcome:
    """Measure on the project's source documents, where they lie beside the data."""
    articles, questions = shared / "articles", shared / "questions" / "kazakhstan.jsonl"
    if "kazakhstan" not in names or not (articles.is_dir() and questions.is_file()):
        return Outcome()
    asked = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines()]
    with sets.indexed((), encoder) as index:
        ingest([articles], index)
        right = [is_right(each, answer(each["question"], index, reader=reader)) for each in asked]
    answerable = [good for each, good in zip(asked, right, strict=True) if each["answer"] is not None]
    others = [good for each, good in zip(asked, right, strict=True) if each["answer"] is None]
    return Outcome((figure("kazakhstan", "right", answerable), figure("kazakhstan", "refused", others)))


def report(asked: Iterable[Asked]) -> list[Asked]:
    """Give the questions that figures are made from."""
    return [each for each in asked if each.part == "report"]


def subset(corpus: Corpus) -> Corpus:
    """Narrow to the paragraphs that report questions are on and every so many of these questions."""
    asked = report(corpus.asked)
    paragraphs = {each.article for each in asked}
    articles = tuple(article for article in corpus.articles if article.id in paragraphs)
    return Corpus(articles, tuple(asked[:: max(1, -(-len(asked) // FAST))]))


def ask(asked: Sequence[Asked], index: Index, *, reader: Reader | None) -> list[Case]:
    """Put the questions to the index, and rank its articles where it is known which one answers."""
    cases = []
    for each in tqdm(asked, "questions"):
        found = consider(each.question, index, reader=reader)
        ranked = rankings(found, index) if each.golds and each.article else None
        cases.append(Case(each, quoted(found), found.probability, ranked))
    return cases


def rankings(found: Considered, index: Index) -> Rankings:
    candidates = index.search(found.query, DEPTH)
    by_cosine = sorted(candidates, key=lambda each: (-each.cosine, each.passage.number))
    retrieved = [each.article.id for each in retrieve(found.query, index, k=POOL)]
    return Rankings(
        retrieved=_each_once(retrieved),
        read=_each_once([*(reading.span.article_id for reading in found.readings), *retrieved]),
        bm25=_each_once(each.passage.span.article_id for each in _by_bm25(candidates)),
        dense=_each_once(each.passage.span.article_id for each in by_cosine),
    )


def over_bm25(cases: Sequence[Case], index: Index, *, reader: Reader | None) -> Figure:
    """Measure how often the best sentence of the passages that BM25 finds is of the source article."""
    ours, bm25 = [], []
    for case in (case for case in cases if case.rankings):
        query = index.query(case.asked.question)
        best = _by_bm25(index.search(query, DEPTH))[:BM25_PASSAGES]
        numbers = {each.passage.number for each in best}
        retrieved = retrieve(query, index, k=2 * DEPTH)  # all that BM25 and the dense index find
        found = [each for each in retrieved if each.candidate.passage.number in numbers]
        readings = read(query, found, index, reader=reader)
        ours.append([reading.span.article_id for reading in readings[:1]] == [case.asked.article])
        bm25.append([each.passage.span.article_id for each in best[:1]] == [case.asked.article])
    metric = f"source article first, reading BM25's {BM25_PASSAGES}"
    return replace(figure("rtqa", metric, ours), bm25=figure("rtqa", metric, bm25).ours)


def _by_bm25(candidates: Iterable[Candidate]) -> list[Candidate]:
    found = (each for each in candidates if each.bm25 > 0)
    return sorted(found, key=lambda each: (-each.bm25, each.passage.number))


def _each_once(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ids))


def _read(asked: Asked, articles: Mapping[str, Article], reader: Reader) -> Extract:
    """Read the paragraph that the question was asked on."""
    article = articles[asked.article or ""]
    spans = sentences(article)
    (found,) = reader.read(asked.question, [article.text], titles=[article.title], sentences=[spans])
    best, span = max(zip(found, spans, strict=True), key=lambda pair: pair[0].score)
    right = any(span.start <= gold.start < span.end for gold in asked.golds)
    golds = tuple(gold.text for gold in asked.golds)
    return Extract(golds, article.text[best.start : best.end], best.score, right)


# Results


def as_json(figures: Sequence[Figure], origin: Origin) -> str:
    """Give every figure by benchmark and metric, with what it depends on."""
    named: dict[str, dict[str, dict[str, float | None]]] = {}
    for each in figures:
        values = {"n": each.n, "ours": each.ours, "bm25": each.bm25, "dense": each.dense}
        named.setdefault(each.name, {})[each.metric] = values
    return json.dumps({**asdict(origin), "figures": named}, indent=1)


def as_page(figures: Sequence[Figure], origin: Origin) -> str:
    return PAGE.format(**asdict(origin), table=metrics.as_table(figures), curve=CURVE)


def draw(curves: Sequence[Curve], path: Path) -> None:
    """Draw risk over coverage; the same curves give the same bytes."""
    import matplotlib  # no other command needs it
    from matplotlib.figure import Figure as Picture

    with matplotlib.rc_context({"svg.hashsalt": "clippings", "svg.fonttype": "none"}):
        picture = Picture(figsize=(6, 4), layout="constrained")
        axes = picture.add_subplot(xlabel="coverage", ylabel="risk", xlim=(0, 1), ylim=(0, 1))
        for each in curves:
            answered = [point for point in each.points if point.probability >= FOUND]
            (line,) = axes.plot(
                [point.coverage for point in each.points], [point.risk for point in each.points], label=each.sort
            )
            axes.plot([p.coverage for p in answered[-1:]], [p.risk for p in answered[-1:]], "o", color=line.get_color())
        axes.legend(loc="upper left")
        picture.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def commit() -> str:
    """Name the commit that is measured, and say when files differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def machine() -> str:
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
