"""The index against brute force, its invariants, and its ways to recover."""

import math
import random
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tantivy
from conftest import HashedEncoder, make_article
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from clippings.embed import PassageVectors, Vectors
from clippings.errors import ClippingsError
from clippings.index import DATABASE, Candidate, Index, Query
from clippings.lexical import TITLE_BOOST
from clippings.records import Article, Span
from clippings.split import sentences, split

EVERYTHING = 10_000
WORDS = (
    "harbour strike minister bridge flood village council report river winter market price bread teacher school train"
    " station court judge verdict fire brigade museum painting theft police northern southern election vote recount"
    " Москва выборы 新闻 über naïve 41,000 2.5"
).split()
UNWORDED = Query("", "", np.zeros(64, np.float32), terms=(), content=(), period=None)


class RefusingEncoder(HashedEncoder):
    """Encodes questions only."""

    def texts(self, texts: Sequence[str]) -> Vectors:
        raise AssertionError("nothing is to be encoded")

    def passages(self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]) -> list[PassageVectors]:
        raise AssertionError("nothing is to be encoded")


def articles(number: int, *, sentences: int = 30, seed: int = 1) -> list[Article]:
    choose = random.Random(seed)

    def sentence() -> str:
        return " ".join(choose.choices(WORDS, k=choose.randint(5, 12))).capitalize() + "."

    return [
        make_article(
            "\n\n".join(" ".join(sentence() for _ in range(3)) for _ in range(sentences // 3)),
            f"{choose.choice(WORDS)} {choose.choice(WORDS)} {place}",
            path=f"articles/{place}.txt",
        )
        for place in range(number)
    ]


def rows(folder: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        return database.execute(statement).fetchall()


def damage(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / DATABASE)) as database, database:
        database.execute(statement)


def facts(index: Index, question: str = "the harbour strike and the flood") -> list[object]:
    """Everything that an index says of itself, but for the passages' numbers."""
    found = [
        (
            each.passage.span,
            each.passage.sentences,
            each.passage.vectors.tolist(),
            each.bm25 > 0,
            each.cosine,
            each.title_cosine,
        )
        for each in index.search(index.query(question), EVERYTHING)
    ]
    return [list(index.articles()), sorted(found)]


def passages(article: Article) -> list[str]:
    groups = split(article, sentences(article))
    return [article.text[group[0].start : group[-1].end] for group in groups]


@contextmanager
def temporary_index() -> Iterator[Index]:
    with tempfile.TemporaryDirectory() as folder:
        index = Index(Path(folder) / "index", encoder=HashedEncoder(), writable=True)
        with closing(index):
            yield index


# Search, against brute force


def test_all_signals_equal_brute_force(index: Index, encoder: HashedEncoder) -> None:
    added = articles(12)
    index.add(added)
    query = index.query("the verdict on the northern bridge")
    expected = {}
    for article in added:
        for group in split(article, sentences(article)):
            span = Span(article.id, group[0].start, group[-1].end)
            vectors = encoder.texts([article.text[span.start : span.end], article.title])
            expected[span] = vectors @ query.vector
    found = {each.passage.span: (each.cosine, each.title_cosine) for each in index.search(query, EVERYTHING)}
    assert found.keys() == expected.keys()
    assert len(found) > len(added)  # so that some article has several passages
    for span, cosines in found.items():
        assert cosines == pytest.approx(expected[span], abs=1e-3)  # vectors are stored in half precision


@pytest.mark.parametrize("k", [1, 5, 17])
def test_dense_search_finds_the_nearest(index: Index, k: int) -> None:
    index.add(articles(12))
    vector = index.query("election recount in the southern village").vector
    stored = [np.frombuffer(blob, np.float16) for (blob,) in rows(index.folder, "SELECT vector FROM passages")]
    best = sorted((float(row.astype(np.float32) @ vector) for row in stored), reverse=True)[:k]
    found = index.search(replace(UNWORDED, vector=vector), k)
    assert sorted((each.cosine for each in found), reverse=True) == pytest.approx(best, abs=1e-6)


def bm25(terms: Sequence[str], fields: list[list[str]], number: int) -> list[float]:
    average = sum(map(len, fields)) / number
    scores = []
    for field in fields:
        score = 0.0
        for term in terms:
            holding = sum(term in other for other in fields)
            rarity = math.log(1 + (number - holding + 0.5) / (holding + 0.5))
            count = field.count(term)
            score += rarity * 2.2 * count / (count + 1.2 * (1 - 0.75 + 0.75 * len(field) / average))
        scores.append(score)
    return scores


def test_lexical_scores_equal_bm25(index: Index) -> None:
    index.add(articles(15, sentences=3))  # short, for tantivy rounds the lengths of texts above 40 terms
    query = index.query("flood flood river Москва 41,000 bridge")
    stored = rows(
        index.folder,
        'SELECT number, title, substr(text, start + 1, "end" - start) FROM passages JOIN articles ON id = article_id',
    )
    number = len(stored) + 1  # the entry that says which state of the database tantivy holds
    texts = bm25(query.terms, [index.terms(text) for _, _, text in stored], number)
    titles = bm25(query.terms, [index.terms(title) for _, title, _ in stored], number)
    scores = zip(stored, texts, titles, strict=True)
    expected = {row[0]: text + TITLE_BOOST * title for row, text, title in scores if text + title > 0}
    found = {each.passage.number: each.bm25 for each in index.search(query, EVERYTHING) if each.bm25}
    assert found == pytest.approx(expected, rel=1e-4)
    assert sorted(found, key=lambda number: -found[number]) == sorted(expected, key=lambda number: -expected[number])
    best = index.search(replace(query, vector=np.zeros(64, np.float32)), 3)
    assert {each.passage.number for each in best if each.bm25} == set(sorted(found, key=lambda n: -found[n])[:3])


def test_rarity_is_its_formula(index: Index) -> None:
    added = articles(12)
    index.add(added)
    index.save()
    texts = [set(index.terms(passage)) for article in added for passage in passages(article)]
    for term in ("harbour", "train", "москва", "unheard"):
        count = sum(term in text for text in texts)
        expected = math.log(1 + (len(texts) - count + 0.5) / (count + 0.5))
        assert index.rarity([term]) == {term: pytest.approx(expected)}


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The Bridges", ["the", "bridg"]),
        ("Москва, 41,000 рублей", ["москва", "41,000", "рублей"]),
        ("新闻 News", ["新", "闻", "news"]),
        ("Éclair naïve Über", ["eclair", "naiv", "uber"]),
        ("cafe\N{COMBINING ACUTE ACCENT}", ["cafe"]),
        ("snake_case 2.5 3.", ["snake", "case", "2.5", "3"]),
        ("", []),
        ("?! …", []),
    ],
)
def test_terms(index: Index, text: str, terms: list[str]) -> None:
    assert index.terms(text) == terms


def test_every_script_is_found_by_its_terms(index: Index) -> None:
    texts = ["В Алматы прошли митинги.", "北京今天下雪了。", "The café sold 41,000 cakes.", "Το λιμάνι έκλεισε."]
    index.add([make_article(text) for text in texts])
    for question, text in zip(["Алматы", "下雪", "cafe 41,000", "λιμάνι"], texts, strict=True):
        found = [each for each in index.search(index.query(question), 1) if each.bm25]
        assert [index.article(each.passage.span.article_id).text for each in found] == [text]


@pytest.mark.parametrize("question", ["", "?", "zzzz", "x" * 100_000, "why " * 5000, " ".join(map(str, range(3000)))])
def test_any_question_can_be_asked(index: Index, question: str) -> None:
    assert index.search(index.query(question), 5) == []
    index.add(articles(2))
    assert all(math.isfinite(each.cosine + each.bm25) for each in index.search(index.query(question), 5))


def test_an_article_without_title(index: Index) -> None:
    article = make_article("The harbour stayed shut.", "")
    index.add([article])
    [found] = index.search(index.query("harbour"), 5)
    assert (index.article(article.id), found.title_cosine) == (article, 0)


# Invariants

TEXTS = st.lists(
    st.lists(st.sampled_from([*WORDS, "The end.", "“Stop!” he said.", "\n\n", "日本。"]), min_size=1, max_size=60),
    min_size=1,
    max_size=5,
)


def made(texts: list[list[str]]) -> list[Article]:
    return [make_article(text, f"Title {text[:9]}") for words in texts if (text := " ".join(words).strip())]


@settings(max_examples=10, deadline=None)
@given(TEXTS)
def test_adding_twice_changes_nothing(texts: list[list[str]]) -> None:
    with temporary_index() as index:
        added = made(texts)
        assert index.add(added) == len({article.id for article in added})
        before, changes = facts(index), rows(index.folder, "SELECT count(*) FROM changes")
        assert index.add(added) == 0
        assert facts(index) == before
        assert rows(index.folder, "SELECT count(*) FROM changes") == changes


@settings(max_examples=10, deadline=None)
@given(TEXTS, st.randoms(use_true_random=False))
def test_remove_then_add_restores(texts: list[list[str]], choose: random.Random) -> None:
    with temporary_index() as index:
        index.add(made(texts))
        before = facts(index)
        gone = [article for article in index.articles() if choose.random() < 0.5]
        index.remove([article.id for article in gone])
        facts(index)
        index.add(gone)
        assert facts(index) == before
        assert index.check() == []


@settings(max_examples=10, deadline=None)
@given(TEXTS)
def test_passages_rebuild_their_articles(texts: list[list[str]]) -> None:
    with temporary_index() as index:
        index.add(made(texts))
        found = [each.passage for each in index.search(index.query(""), EVERYTHING)]
        assert all(each.span.start == each.sentences[0].start for each in found)
        assert all(each.span.end == each.sentences[-1].end for each in found)
        assert all(each.vectors.shape == (len(each.sentences), 64) for each in found)
        for article in index.articles():
            spans = [span for each in found if each.span.article_id == article.id for span in each.sentences]
            assert spans == sentences(article)


POOL = articles(6, sentences=18, seed=5)


class ComesAndGoes(RuleBasedStateMachine):
    """Any order of adding, removing, saving and opening leaves the index that a set would be."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp()
        self.held: set[int] = set()
        self.open()

    def open(self) -> None:
        self.index = Index(Path(self.folder) / "index", encoder=HashedEncoder(), writable=True)

    @rule(places=st.sets(st.integers(0, 5), min_size=1))
    def add(self, places: set[int]) -> None:
        assert self.index.add([POOL[place] for place in sorted(places)]) == len(places - self.held)
        self.held |= places

    @precondition(lambda self: self.held)
    @rule(places=st.sets(st.integers(0, 5), min_size=1))
    def remove(self, places: set[int]) -> None:
        self.index.remove(POOL[place].id for place in places)
        self.held -= places

    @rule(save=st.booleans())
    def reopen(self, save: bool) -> None:
        if save:
            self.index.save()
        self.index.close()
        self.open()

    @invariant()
    def holds_what_a_set_would(self) -> None:
        expected = {POOL[place].id: len(passages(POOL[place])) for place in self.held}
        found = [each.passage.span.article_id for each in self.index.search(self.index.query("flood"), EVERYTHING)]
        assert {id: found.count(id) for id in found} == expected
        assert {article.id for article in self.index.articles()} == expected.keys()
        assert (self.index.counts.articles, self.index.counts.passages) == (len(expected), sum(expected.values()))
        assert self.index.check() == []  # the three counts agree

    def teardown(self) -> None:
        self.index.close()
        shutil.rmtree(self.folder)


ComesAndGoes.TestCase.settings = settings(max_examples=8, stateful_step_count=6, deadline=None)
test_comes_and_goes = ComesAndGoes.TestCase


def test_nothing_of_a_removed_article_stays(index: Index) -> None:
    gone = make_article("The zyzzyva beetle was found.", "Zyzzyva found", path="zyzzyva.txt", url="https://zyzzyva.org")
    index.add([*articles(3), gone])
    index.save()
    assert index.search(index.query("zyzzyva"), 1)[0].bm25
    index.remove([gone.id])
    index.save()
    assert [each for each in index.search(index.query("zyzzyva"), EVERYTHING) if each.bm25] == []
    assert gone.id not in {each.passage.span.article_id for each in index.search(UNWORDED, EVERYTHING)}
    with pytest.raises(ClippingsError, match=f"no article '{gone.id}'"):
        index.article(gone.id)
    tables = [name for (name,) in rows(index.folder, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in set(tables) - {"files"}:  # which only knows that there was such a file
        assert [row for row in rows(index.folder, f"SELECT * FROM {table}") if gone.id in row] == []
    index.close()
    database = (index.folder / DATABASE).read_bytes()
    assert b"beetle" not in database
    assert gone.id.encode() not in database


# Opening


def test_reading_needs_an_index_and_makes_none(tmp_path: Path) -> None:
    for folder in (tmp_path / "missing", tmp_path):
        with pytest.raises(ClippingsError) as raised:
            Index.open(folder)
        assert str(raised.value) == f"no index in {folder}: build one with python ingest.py ARTICLES"
    assert list(tmp_path.iterdir()) == []


def test_an_index_that_was_never_added_to_is_none(index: Index) -> None:
    with pytest.raises(ClippingsError, match=r"no index in .*: build one with python ingest.py ARTICLES"):
        Index.open(index.folder)


def test_an_index_whose_articles_have_all_gone_answers_nothing(index: Index, encoder: HashedEncoder) -> None:
    index.add(POOL)
    index.remove([article.id for article in POOL])
    index.save()
    with closing(Index.open(index.folder, encoder=encoder)) as reader:
        assert reader.search(reader.query("flood"), 5) == []
        assert reader.check() == []


def test_another_model_is_refused(index: Index) -> None:
    index.add(POOL)
    for writable in (False, True):
        with pytest.raises(ClippingsError) as raised:
            Index(index.folder, encoder=HashedEncoder("other-words"), writable=writable)
        assert "hashed-words" in str(raised.value)
        assert "other-words" in str(raised.value)
        assert "\n" not in str(raised.value)


def test_another_model_is_refused_that_began_at_the_same_time(index: Index) -> None:
    with closing(Index(index.folder, encoder=HashedEncoder("other-words"), writable=True)) as other:
        index.add(POOL[:1])
        with pytest.raises(ClippingsError, match=r"hashed-words .* other-words"):
            other.add(POOL[1:])
    assert list(index.articles()) == POOL[:1]
    assert rows(index.folder, "SELECT model FROM recipe") == [("hashed-words",)]


def test_another_format_is_refused(index: Index) -> None:
    index.add(POOL)
    damage(index.folder, "UPDATE recipe SET format = 99")
    with pytest.raises(ClippingsError, match="format 99, not 1: move it away and build it again"):
        Index.open(index.folder)


# The derived indexes


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """The folder of an index of POOL, saved and closed."""
    with closing(Index(tmp_path / "built", encoder=HashedEncoder(), writable=True)) as index:
        index.add(POOL)
        index.save()
    return tmp_path / "built"


@pytest.fixture
def expected(built: Path) -> list[object]:
    return reread(built)


def reread(folder: Path) -> list[object]:
    """What an index says when it may encode nothing but questions; that it is whole, too."""
    with closing(Index.open(folder, encoder=RefusingEncoder())) as index:
        said = facts(index)
        assert index.check() == []
        index.save()
    return said


def remove_lexical(folder: Path) -> None:
    shutil.rmtree(folder / "lexical")


def remove_dense(folder: Path) -> None:
    shutil.rmtree(folder / "dense")


def garble_meta(folder: Path) -> None:
    (folder / "lexical" / "meta.json").write_text("{")


def truncate_segments(folder: Path) -> None:
    for path in (folder / "lexical").glob("*.idx"):
        part = path.with_suffix(".part")  # in place, a thread of tantivy's that still maps the file would be killed
        part.write_bytes(path.read_bytes()[:-10])
        part.replace(path)


def remove_segments(folder: Path) -> None:
    for path in (folder / "lexical").glob("*.term"):
        path.unlink()


def truncate_dense(folder: Path) -> None:
    for path in (folder / "dense").glob("*.faiss"):
        path.write_bytes(path.read_bytes()[:-10])


def empty_dense(folder: Path) -> None:
    for path in (folder / "dense").glob("*.faiss"):
        path.write_bytes(b"")


@pytest.mark.parametrize(
    "harm",
    [remove_lexical, remove_dense, garble_meta, truncate_segments, remove_segments, truncate_dense, empty_dense],
)
def test_derived_indexes_are_made_anew(built: Path, expected: list[object], harm: Callable[[Path], None]) -> None:
    harm(built)
    assert reread(built) == expected
    [copy] = (built / "dense").iterdir()
    assert copy.stat().st_size > 1000  # saved anew, not only in memory
    assert reread(built) == expected


@pytest.mark.parametrize("model", ["hashed-words", "other-words"])
@pytest.mark.parametrize("added", [POOL, POOL[:2], list(reversed(POOL))])
def test_derived_indexes_of_another_database_are_not_used(
    built: Path, expected: list[object], tmp_path: Path, model: str, added: list[Article]
) -> None:
    class Other(HashedEncoder):
        def passages(self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]) -> list[PassageVectors]:
            found = super().passages(texts, sentences)
            return found if model == "hashed-words" else [replace(each, passage=-each.passage) for each in found]

    with closing(Index(tmp_path / "other", encoder=Other(model), writable=True)) as other:
        other.add(added)
        other.save()
    for name in ("lexical", "dense"):
        shutil.rmtree(built / name)
        shutil.copytree(tmp_path / "other" / name, built / name)
    assert reread(built) == expected
    with closing(Index.open(built, encoder=RefusingEncoder())) as index:
        vector = index.query("southern election").vector
        [nearest] = index.search(replace(UNWORDED, vector=vector), 1)
        assert nearest.cosine == max(each.cosine for each in index.search(replace(UNWORDED, vector=vector), EVERYTHING))


def test_derived_indexes_follow_a_restored_database(built: Path, expected: list[object], tmp_path: Path) -> None:
    shutil.copy(built / DATABASE, tmp_path / "backup")
    with closing(Index(built, encoder=HashedEncoder(), writable=True)) as index:
        index.remove([POOL[0].id])
        index.add(articles(3, seed=9))
        index.save()
    assert reread(built) != expected
    shutil.copy(tmp_path / "backup", built / DATABASE)
    assert reread(built) == expected


def test_an_older_index_is_given_what_the_schema_has_gained(index: Index, article: Callable[..., Article]) -> None:
    days = (date(2019, 5, 4), None, date(2012, 3, 2))
    index.add([article(f"Written on {day}.", published=day) for day in days])
    damage(index.folder, "DROP INDEX articles_published")
    with closing(Index(index.folder, encoder=HashedEncoder(), writable=True)) as other:
        assert rows(index.folder, "SELECT 1 FROM sqlite_master WHERE name = 'articles_published'") == [(1,)]
        assert other.dates() == (date(2012, 3, 2), date(2019, 5, 4))
        other.remove([each.id for each in other.articles() if each.published])
        assert other.dates() is None


# Damage


@pytest.mark.parametrize("size", [0, 50, 4096, 0.5, 0.9])
@pytest.mark.parametrize("writable", [False, True])
def test_a_truncated_database_is_one_line(built: Path, size: float, writable: bool) -> None:
    whole = (built / DATABASE).read_bytes()
    (built / DATABASE).write_bytes(whole[: int(size * len(whole)) if 0 < size < 1 else int(size)])

    def use() -> None:
        with closing(Index(built, encoder=HashedEncoder(), writable=writable)) as index:
            facts(index)
            problems = index.check()
            assert problems
            raise ClippingsError(problems[0])

    if size == 0 and writable:  # nothing at all is a new index
        with closing(Index(built, encoder=HashedEncoder(), writable=True)) as index:
            assert facts(index) == [[], []]
        return
    with pytest.raises(ClippingsError, match=r"no index in|clippings.sqlite") as raised:
        use()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        ("DELETE FROM articles WHERE id = '{id}'", "passage 1: does not fit its article"),
        ("DELETE FROM articles WHERE id = '{id}'", "articles/0.txt: holds article {id}, which is not there"),
        (
            "UPDATE articles SET text = replace(text, 'a', 'e') WHERE id = '{id}'",
            "{id}: the content is not what it was",
        ),
        ("UPDATE articles SET text = substr(text, 1, 9) WHERE id = '{id}'", "passage 1: does not fit its article"),
        ("UPDATE passages SET start = -1 WHERE number = 1", "passage 1: does not fit its article"),
        ("UPDATE passages SET vector = x'00' WHERE number = 1", "passage 1: does not fit its article"),
        ("UPDATE passages SET sentence_vectors = x'00' WHERE number = 1", "passage 1: does not fit its article"),
        ("DELETE FROM passages WHERE number = 1", "lexical: 12 passages, not 11: delete"),
        ("DELETE FROM passages WHERE number = 1", "dense: 12 passages, not 11: delete"),
    ],
)
def test_check_names_the_damage(built: Path, harm: str, named: str) -> None:
    assert len(rows(built, "SELECT * FROM passages")) == 12
    damage(built, harm.format(id=POOL[0].id))
    with closing(Index.open(built, encoder=HashedEncoder())) as index:
        problems = index.check()
    assert any(named.format(id=POOL[0].id) in problem for problem in problems), problems


def test_check_names_a_derived_index_that_lacks_a_passage(built: Path) -> None:
    lexical = tantivy.Index.open(str(built / "lexical"))
    writer = lexical.writer(num_threads=1)
    writer.delete_documents_by_term("number", 1)
    writer.commit()
    writer.wait_merging_threads()
    with closing(Index.open(built, encoder=HashedEncoder())) as index:
        assert index.check() == [f"lexical: 11 passages, not 12: delete {built / 'lexical'}"]


# At the same time


def valid(index: Index, found: list[Candidate]) -> bool:
    for each in found:
        text = index.article(each.passage.span.article_id).text
        article = next(article for article in [*POOL, *LATER] if article.text == text)
        assert [span for span in sentences(article) if span in each.passage.sentences] == list(each.passage.sentences)
    return bool(found)


LATER = articles(8, sentences=9, seed=11)


@pytest.mark.parametrize("shared", [True, False])
def test_threads_search_while_another_adds(index: Index, encoder: HashedEncoder, shared: bool) -> None:
    index.add(POOL)
    reader = index if shared else Index.open(index.folder, encoder=encoder)
    done = threading.Event()

    def search() -> None:
        while True:
            last = done.is_set()
            assert valid(reader, reader.search(reader.query("flood in the village"), EVERYTHING))
            if last:
                break

    def add() -> None:
        try:
            for article in LATER:
                index.add([article])
        finally:
            done.set()

    with ThreadPoolExecutor() as threads:
        for each in [threads.submit(search), threads.submit(search), threads.submit(add)]:
            each.result()
    assert facts(reader) == facts(index)
    assert {article.id for article in reader.articles()} == {article.id for article in [*POOL, *LATER]}
    if not shared:
        reader.close()


def test_a_reader_sees_what_another_adds_and_removes(index: Index, encoder: HashedEncoder) -> None:
    index.add(POOL)
    with closing(Index.open(index.folder, encoder=encoder)) as reader:
        assert facts(reader) == facts(index)
        index.add(LATER)
        index.remove([POOL[0].id])
        assert facts(reader) == facts(index)
        assert reader.article(LATER[0].id) == LATER[0]


def test_a_reader_answers_while_another_writes_the_lexical_index(index: Index, encoder: HashedEncoder) -> None:
    index.add(POOL)
    index.save()
    writer = tantivy.Index.open(str(index.folder / "lexical")).writer(num_threads=1)
    new = make_article("The zyzzyva beetle was found.", "Zyzzyva")
    index.add([new])
    index.remove([POOL[0].id])
    with closing(Index.open(index.folder, encoder=encoder)) as reader:
        found = reader.search(reader.query("zyzzyva flood"), EVERYTHING)
        assert {each.passage.span.article_id for each in found} == {article.id for article in [new, *POOL[1:]]}
        writer.wait_merging_threads()
        found = [each for each in reader.search(reader.query("zyzzyva"), EVERYTHING) if each.bm25]
        assert [each.passage.span.article_id for each in found] == [new.id]


def test_two_writers_add_an_article_once(index: Index, encoder: HashedEncoder) -> None:
    with closing(Index(index.folder, encoder=encoder, writable=True)) as other:
        with ThreadPoolExecutor() as threads:
            added = list(threads.map(lambda each: each.add(POOL), [index, other]))
        assert sorted(added) == [0, len(POOL)]
        assert facts(other) == facts(index)
        assert other.check() == []


def test_irregular_forms_are_one_term(index: Index, article: Callable[..., Article]) -> None:
    began, other = article("Protests began on Sunday.", path="a.txt"), article("A bridge opened.", path="b.txt")
    index.add([began, other])
    assert index.terms("begin began begun beginning") == ["begin"] * 4
    query = index.query("begin")
    found = {each.passage.span.article_id: each.bm25 for each in index.search(query, EVERYTHING)}
    assert found[began.id] > 0 == found[other.id]
    assert index.rarity(["begin", "bridg"]) == {"begin": math.log(2), "bridg": math.log(2)}  # in one passage of two


def test_function_words_decide_nothing_in_a_small_index(index: Index, article: Callable[..., Article]) -> None:
    did = article("He did not see that.", path="a.txt")
    protests = [article(f"Protests in town {name}.", path=f"{name}.txt") for name in "bcd"]
    others = [article(f"Snow on hill {name}.", path=f"{name}.txt") for name in "efgh"]
    index.add([did, *protests, *others])
    query = index.query("Why did protests happen?")
    assert query.content == tuple(index.terms("protests happen"))
    assert set(query.terms) == {*index.terms("why did protests happen")}
    found = {each.passage.span.article_id: each.bm25 for each in index.search(query, EVERYTHING)}
    rarity = index.rarity(index.terms("did protests"))
    assert rarity["did"] > rarity["protest"]  # and yet
    assert 0 < found[did.id] < min(found[each.id] for each in protests)


def test_a_pasted_text_still_finds(index: Index, article: Callable[..., Article]) -> None:
    index.add([article("The ferry returns in May.", path="a.txt"), article("Snow on the hill.", path="b.txt")])
    unknown = " ".join(f"unknown{number}" for number in range(200))
    asked, pasted = index.query("ferry May"), index.query(f"{unknown} ferry May {unknown}")
    scores = [{each.passage.number: each.bm25 for each in index.search(query, 5)} for query in (asked, pasted)]
    assert scores[0] == scores[1]
    assert max(scores[0].values()) > 0


def test_an_empty_name_names_nothing_and_a_dot_names_the_folder(index: Index, article: Callable[..., Article]) -> None:
    near, far = article("One.", path="articles/a.txt"), article("Two.", path="../elsewhere/b.txt")
    index.add([near, far])
    with pytest.raises(ClippingsError, match="no article ''"):
        index.ids("")
    parent = index.folder.parent
    assert index.ids(str(parent)) == [near.id]
    assert index.ids(str(parent / "articles")) == [near.id]
    assert sorted(index.ids(str(parent.parent))) == sorted([near.id, far.id])
    assert index.ids(str(parent.parent / "elsewhere" / "b.txt")) == [far.id]
