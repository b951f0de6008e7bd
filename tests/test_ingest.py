"""Files come and go; a run that is killed is finished by the next."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from conftest import HashedEncoder

from clippings.embed import PassageVectors, Vectors
from clippings.errors import ClippingsError
from clippings.index import Index
from clippings.ingest import Report, ingest
from clippings.records import Skip, Span

STORY = "The {} was found on Monday. Police in the village said so, and nobody was hurt."


class CountingEncoder(HashedEncoder):
    """Remembers what it encoded, but for questions."""

    def __init__(self) -> None:
        super().__init__()
        self.encoded: list[str] = []

    def texts(self, texts: Sequence[str]) -> Vectors:
        self.encoded += texts
        return super().texts(texts)

    def passages(self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]) -> list[PassageVectors]:
        self.encoded += texts
        return super().passages(texts, sentences)


@pytest.fixture
def encoder() -> CountingEncoder:
    return CountingEncoder()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two text files and a .jsonl with three articles."""
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "owl.txt").write_text(STORY.format("owl"))
    (folder / "fox.md").write_text("# Fox\n\n" + STORY.format("fox"))
    write_lines(folder / "birds.jsonl", "heron", "stork", "swift")
    return folder


def write_lines(path: Path, *animals: str) -> None:
    lines = [json.dumps({"title": animal.title(), "text": STORY.format(animal)}) for animal in animals]
    path.write_text("\n".join(lines) + "\n")


def animals(index: Index) -> list[str]:
    """The animal of each article, and that search and check agree with what is stored."""
    stored = {article.id: article.text.split()[1] for article in index.articles()}
    found = index.search(index.query("nobody was hurt"), 1000)
    assert {each.passage.span.article_id for each in found} == stored.keys()
    assert index.check() == []
    return sorted(stored.values())


def counts(report: Report) -> tuple[int, int, int, int]:
    return report.added, report.unchanged, report.removed, report.files


ALL = ["fox", "heron", "owl", "stork", "swift"]


def test_all_articles_come_in(folder: Path, index: Index) -> None:
    sizes: list[int] = []
    report = ingest([folder], index, on_progress=lambda size, _: sizes.append(size))
    assert counts(report) == (5, 0, 0, 3)
    assert report.skipped == []
    assert animals(index) == ALL
    assert sorted(sizes) == sorted(path.stat().st_size for path in folder.iterdir())
    paths = {article.text.split()[1]: article.path for article in index.articles()}
    assert (paths["owl"], paths["stork"]) == ("articles/owl.txt", "articles/birds.jsonl")


@pytest.mark.parametrize("more", [{}, {"summary": "s" * 5000}])
def test_a_file_of_many_blocks_tells_of_each(tmp_path: Path, index: Index, more: dict[str, str]) -> None:
    texts = [STORY.format(animal) for animal in ALL]
    path = tmp_path / "animals.jsonl"
    path.write_text("\n".join(json.dumps({"text": text, **more}) for text in texts))
    heard: list[tuple[int, int]] = []
    ingest([path], index, block_characters=1, on_progress=lambda size, report: heard.append((size, report.added)))
    rest = path.stat().st_size - sum(map(len, texts))
    assert heard == [*((len(text), number) for number, text in enumerate(texts, 1)), (rest, 5)]


def test_what_is_told_of_a_file_is_never_more_than_its_size(tmp_path: Path, index: Index) -> None:
    path = tmp_path / "short.jsonl"
    path.write_text('{"text": "' + "ﷺ" * 100 + '."}', encoding="utf-8")
    heard: list[int] = []
    ingest([path], index, block_characters=1, on_progress=lambda size, _: heard.append(size))
    assert len(heard) == 2
    assert sum(heard) == path.stat().st_size


def test_the_second_time_nothing_is_done(folder: Path, index: Index, encoder: CountingEncoder) -> None:
    ingest([folder], index)
    index.save()
    files = {path: path.read_bytes() for path in index.folder.rglob("*.faiss")}
    encoder.encoded.clear()
    heard: list[int] = []
    report = ingest([folder], index, on_progress=lambda size, _: heard.append(size))
    assert counts(report) == (0, 5, 0, 3)
    assert len(heard) == 3
    assert encoder.encoded == []
    index.save()
    assert {path: path.read_bytes() for path in index.folder.rglob("*.faiss")} == files
    assert animals(index) == ALL


def test_a_changed_file_changes_only_its_article(folder: Path, index: Index, encoder: CountingEncoder) -> None:
    ingest([folder], index)
    before = {article.id for article in index.articles()}
    encoder.encoded.clear()
    (folder / "owl.txt").write_text(STORY.format("lynx"))
    assert counts(ingest([folder], index)) == (1, 4, 1, 3)
    assert animals(index) == ["fox", "heron", "lynx", "stork", "swift"]
    assert len(before & {article.id for article in index.articles()}) == 4
    assert STORY.format("lynx") in encoder.encoded
    assert not any(animal in text for text in encoder.encoded for animal in ALL)


def test_a_changed_line_changes_only_its_article(folder: Path, index: Index, encoder: CountingEncoder) -> None:
    ingest([folder], index)
    encoder.encoded.clear()
    write_lines(folder / "birds.jsonl", "heron", "crane", "swift")
    assert counts(ingest([folder], index)) == (1, 4, 1, 3)
    assert animals(index) == ["crane", "fox", "heron", "owl", "swift"]
    assert encoder.encoded == [STORY.format("crane"), "Crane"]


def test_an_article_in_two_files_stays_until_both_are_without_it(folder: Path, index: Index) -> None:
    (folder / "again.txt").write_text(STORY.format("owl"))
    assert counts(ingest([folder], index)) == (5, 1, 0, 4)
    [owl] = index.ids("articles/owl.txt")
    assert index.ids("articles/again.txt") == [owl]
    assert index.article(owl).path == "articles/again.txt"
    (folder / "again.txt").write_text(STORY.format("wolf"))
    assert counts(ingest([folder], index)) == (1, 5, 0, 4)
    assert index.article(owl).path == "articles/owl.txt"
    assert animals(index) == sorted([*ALL, "wolf"])
    (folder / "owl.txt").write_text(STORY.format("wolf"))
    assert counts(ingest([folder], index)) == (0, 6, 1, 4)
    assert animals(index) == ["fox", "heron", "stork", "swift", "wolf"]


def test_articles_of_a_deleted_file_stay(folder: Path, index: Index) -> None:
    ingest([folder], index)
    (folder / "owl.txt").unlink()
    assert counts(ingest([folder], index)) == (0, 4, 0, 2)
    assert animals(index) == ALL


@pytest.mark.parametrize(
    ("named", "left"),
    [
        ("articles/owl.txt", ["fox", "heron", "stork", "swift"]),
        ("articles/birds.jsonl", ["fox", "owl"]),
        ("articles", []),
    ],
)
def test_remove_and_bring_back(folder: Path, index: Index, named: str, left: list[str]) -> None:
    ingest([folder], index)
    by_path = index.ids(str(folder.parent / named))
    assert by_path == index.ids(named)
    index.remove(by_path)
    assert animals(index) == left
    with pytest.raises(ClippingsError, match="no article"):
        index.ids(named)
    assert counts(ingest([folder], index)) == (5 - len(left), len(left), 0, 3)
    assert animals(index) == ALL


def test_remove_by_id_and_bring_back(folder: Path, index: Index) -> None:
    ingest([folder], index)
    [owl] = index.ids("articles/owl.txt")
    assert index.ids(owl) == [owl]
    index.remove([owl, owl])
    assert animals(index) == ["fox", "heron", "stork", "swift"]
    assert counts(ingest([folder], index)) == (1, 4, 0, 3)
    assert animals(index) == ALL


def test_a_folder_is_not_mistaken_for_its_neighbour(tmp_path: Path, folder: Path, index: Index) -> None:
    for neighbour in ("articles0", "articles.old", "articles%", "article_"):
        (tmp_path / neighbour).mkdir()
        (tmp_path / neighbour / "newt.txt").write_text(STORY.format("newt"))
    ingest([tmp_path], index)
    index.remove(index.ids("articles"))
    assert animals(index) == ["newt"]


def test_a_skipped_line_takes_nothing_away_and_is_told_again(folder: Path, index: Index) -> None:
    ingest([folder], index)
    lines = (folder / "birds.jsonl").read_text().splitlines()
    (folder / "birds.jsonl").write_text("\n".join([lines[0], "{", lines[2]]))
    for _ in range(2):
        report = ingest([folder], index)
        assert counts(report) == (0, 4, 0, 3)
        assert [skip.where for skip in report.skipped] == ["articles/birds.jsonl:2"]
        assert animals(index) == ALL
    write_lines(folder / "birds.jsonl", "heron", "swift")
    assert counts(ingest([folder], index)) == (0, 4, 1, 3)
    assert animals(index) == ["fox", "heron", "owl", "swift"]


def test_no_article_text_is_told_with_its_line(tmp_path: Path, index: Index) -> None:
    (tmp_path / "marks.txt").write_text("!!!")
    lines = [STORY.format("owl"), "Home\nMenu\nLog in\nSearch\nSubscribe", "!!!"]
    (tmp_path / "archive.jsonl").write_text("\n".join(json.dumps({"text": line}) for line in lines))
    report = ingest([tmp_path / "archive.jsonl", tmp_path / "marks.txt"], index)
    reason = "no article text: only marks or page furniture"
    named = [index.name(tmp_path / "archive.jsonl") + ":2", index.name(tmp_path / "archive.jsonl") + ":3"]
    assert report.skipped == [Skip(where, reason) for where in [*named, index.name(tmp_path / "marks.txt")]]
    assert animals(index) == ["owl"]


def test_a_file_that_broke_takes_nothing_away_until_it_is_whole_again(folder: Path, index: Index) -> None:
    ingest([folder], index)
    (folder / "owl.txt").write_bytes(b"\0\1")
    report = ingest([folder], index)
    assert [skip.where for skip in report.skipped] == ["articles/owl.txt"]
    assert animals(index) == ALL
    (folder / "owl.txt").write_text(STORY.format("owl"))
    assert counts(ingest([folder], index)) == (0, 5, 0, 3)


def test_a_missing_file_is_named_and_the_rest_goes_on(folder: Path, index: Index) -> None:
    (folder / "dangling.txt").symlink_to(folder / "nowhere.txt")
    report = ingest([folder / "missing.txt", folder], index)
    assert report.skipped[0] == Skip(str(folder / "missing.txt"), "no such file or folder")
    assert [skip.where for skip in report.skipped[1:]] == [str(folder / "dangling.txt")]
    assert animals(index) == ALL


def test_an_article_twice_in_a_file_is_one(folder: Path, index: Index) -> None:
    write_lines(folder / "birds.jsonl", "heron", "heron", "stork", "heron", "swift")
    assert counts(ingest([folder], index)) == (5, 0, 0, 3)
    assert animals(index) == ALL


@pytest.mark.parametrize("name", ["a'b%_.txt", "новости 1.txt", "a\nb.txt", "#x?y.txt"])
def test_any_file_name_can_be_named(tmp_path: Path, index: Index, name: str) -> None:
    path = tmp_path / "articles" / name
    path.parent.mkdir()
    try:
        path.write_text(STORY.format("owl"))
    except OSError:
        pytest.skip("this system has no such file names")
    assert counts(ingest([path.parent], index)) == (1, 0, 0, 1)
    assert counts(ingest([path.parent], index)) == (0, 1, 0, 1)
    [article] = index.articles()
    assert article.path == f"articles/{name}"
    assert index.ids(str(path)) == index.ids(f"articles/{name}") == [article.id]


def test_a_name_that_is_no_text_is_not_there(folder: Path, index: Index) -> None:
    ingest([folder], index)
    for name in ("caf\udce9.txt", "", "x" * 5000, "../nowhere"):
        with pytest.raises(ClippingsError, match="no article"):
            index.ids(name)


def test_an_old_version_that_comes_back_after_an_interrupted_run_is_read_again(folder: Path, index: Index) -> None:
    """The first block of a changed file is in, then the run ends; the file is restored meanwhile."""
    ingest([folder], index)
    old = (folder / "birds.jsonl").read_text()
    write_lines(folder / "birds.jsonl", "crane", "goose", "finch")

    class Ended(Exception):
        pass

    class EndingEncoder(HashedEncoder):
        def texts(self, texts: Sequence[str]) -> Vectors:
            if "Finch" in texts:
                raise Ended
            return super().texts(texts)

    with closing(Index(index.folder, encoder=EndingEncoder(), writable=True)) as ending, pytest.raises(Ended):
        ingest([folder / "birds.jsonl"], ending, block_characters=100)
    assert animals(index) == sorted([*ALL, "crane", "goose"])
    (folder / "birds.jsonl").write_text(old)
    assert counts(ingest([folder], index)) == (0, 5, 2, 3)
    assert animals(index) == ALL


# Killed

# Runs ingest once for each moment, in a process of its own that kills itself the nth time that the function `name` is
# at `event`, as the profiler calls it; prints how each ended.
DRIVER = """
import os, signal, sys
from pathlib import Path
from conftest import HashedEncoder
import clippings.dense
from clippings.index import Index
from clippings.ingest import ingest

def kill_at(event, name, times):
    def watch(frame, happened, function):
        nonlocal times
        called = getattr(function, "__name__", "") if happened.startswith("c_") else frame.f_code.co_qualname
        if (happened, called) == (event, name):
            times -= 1
            if times == 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.setprofile(watch)

folder, *moments = sys.argv[1:]
for moment in moments:
    where, event, name, times = moment.split()
    process = os.fork()
    if process == 0:
        kill_at(event, name, int(times))
        index = Index(Path(where), encoder=HashedEncoder(), writable=True)
        ingest([Path(folder)], index, block_characters=2000)
        index.save()
        index.close()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
"""
MOMENTS = {  # and how many articles are in by then
    "call Store._prepare 1": 0,
    "c_call executescript 1": 0,
    "return Store._prepare 1": 0,
    "call Index.add 1": 0,
    "call Store._add_passage 2": 0,
    "return Index.add 1": 2,
    "call Index.finish_file 1": 2,
    "call Store._add_passage 9": 2,
    "return Index.add 2": 4,
    "call Store.finish_file 3": 6,
    "return Index.finish_file 4": 6,
    "call Index.save 1": 6,
    "call Dense.catch_up 1": 6,
    "c_call add_document 2": 6,
    "c_call commit 1": 6,
    "c_return commit 1": 6,
    "call Dense.save 1": 6,
    "call Path.replace 1": 6,
    "return Path.replace 1": 6,
    "call Store.close 1": 6,
}
BLOCK = 2000  # characters; an article has fewer and two have more


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six articles of three passages each, in four files, for three blocks."""
    folder = tmp_path_factory.mktemp("killed") / "articles"
    folder.mkdir()
    texts = [
        "\n\n".join(f"On day {day} a {animal} was seen near the bridge by all." for day in range(25))
        for animal in ("owl", "fox", "heron", "stork", "swift", "newt")
    ]
    assert all(BLOCK / 2 < len(text) < BLOCK for text in texts)
    for place in (0, 1):
        (folder / f"{place}.txt").write_text(texts[place])
    for place in (2, 4):
        lines = [json.dumps({"text": text}) for text in texts[place : place + 2]]
        (folder / f"{place}.jsonl").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def killed(archive: Path) -> dict[str, Path]:
    """The index folder that each moment left behind."""
    folders = {moment: archive.parent / str(number) for number, moment in enumerate(MOMENTS)}
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(here), str(here.parent)]), "OMP_NUM_THREADS": "1"}
    moments = [f"{folder} {moment}" for moment, folder in folders.items()]
    driver = subprocess.run(
        [sys.executable, "-c", DRIVER, str(archive), *moments], env=environment, capture_output=True, check=False
    )
    assert driver.stdout.split() == [b"-9"] * len(MOMENTS), driver.stderr.decode()
    return folders


@pytest.fixture(scope="module")
def uninterrupted(archive: Path) -> list[object]:
    with closing(Index(archive.parent / "whole", encoder=HashedEncoder(), writable=True)) as index:
        ingest([archive], index, block_characters=BLOCK)
        return state(index)


def state(index: Index) -> list[object]:
    """All that an index holds and finds."""
    assert index.check() == []
    found = index.search(index.query("heron"), 1000)
    return [
        list(index.articles()),
        index.counts,
        [(each.passage.number, each.passage.span, each.cosine, each.title_cosine, each.bm25 > 0) for each in found],
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no kill -9 on this system")
@pytest.mark.parametrize(("moment", "committed"), MOMENTS.items())
def test_a_killed_run_is_finished_by_the_next(
    archive: Path, killed: dict[str, Path], uninterrupted: list[object], moment: str, committed: int
) -> None:
    encoder = HashedEncoder()
    if committed:
        with closing(Index.open(killed[moment], encoder=encoder)) as index:
            assert index.counts.articles == committed
            held = {article.id for article in index.articles()}
            found = index.search(index.query("owl near the bridge"), 1000)
            assert {each.passage.span.article_id for each in found} == held
            assert index.check() == []
    else:
        with pytest.raises(ClippingsError, match="no index in"):
            Index.open(killed[moment], encoder=encoder)

    with closing(Index(killed[moment], encoder=encoder, writable=True)) as index:
        report = ingest([archive], index, block_characters=BLOCK)
        index.save()
        assert (report.added, report.removed, report.skipped) == (6 - committed, 0, [])
        assert state(index) == uninterrupted
