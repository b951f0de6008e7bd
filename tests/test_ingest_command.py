"""The command ingest.py, run for real, in all that needs no model."""

import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from conftest import HashedEncoder, make_article

import ingest
from clippings.index import DATABASE, Index

SCRIPT = Path(__file__).resolve().parent.parent / "ingest.py"
STORY = "The owl was found on Monday. Nobody was hurt."


def run(*arguments: object, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ingest.py in `folder`."""
    command = [sys.executable, "-W", "error", str(SCRIPT), *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, **environment},
        check=False,
    )


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """An index of two articles, beside the file of one of them."""
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "owl.txt").write_text(STORY)
    with closing(Index(tmp_path / "index", encoder=HashedEncoder(), writable=True)) as index:
        index.add([make_article(STORY, path="articles/owl.txt"), make_article("A fox ran.", path="fox.txt")])
        index.save()
    return tmp_path


def test_help(tmp_path: Path) -> None:
    done = run("--help", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("PATH", "--index DIR", "--model NAME-OR-PATH", "--remove PATH-OR-ID", "exit status"):
        assert word in done.stdout


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, ingest\ntry: ingest.main(['--help'])\n"
        "finally: print(sorted({'torch', 'numpy', 'faiss', 'tantivy', 'tqdm', 'clippings'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPT.parent, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_nothing_to_do(tmp_path: Path) -> None:
    done = run(folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "ingest.py: nothing to do: name files or folders"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--wrong", "--index"])
def test_a_wrong_option_is_an_error_like_any_other(tmp_path: Path, option: str) -> None:
    done = run("articles", option, folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith("ingest.py: ")
    assert option in done.stderr.splitlines()[-1]


def test_output_is_utf_8_whatever_the_code_page(tmp_path: Path) -> None:
    done = run("nowhere", "--index", "указатель", folder=tmp_path, PYTHONIOENCODING="cp1252")
    assert done.returncode == 1
    assert "0 articles, 0 passages in указатель;" in done.stdout


def test_a_file_that_is_gone_has_no_size(tmp_path: Path) -> None:
    (tmp_path / "owl.txt").write_text(STORY)
    assert [ingest._size(tmp_path / name) for name in ("owl.txt", "gone.txt")] == [len(STORY), 0]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    done = run("nowhere", folder=tmp_path)
    assert done.returncode == 1
    assert "skipped nowhere: no such file or folder\n" in done.stderr
    assert "Traceback" not in done.stderr
    [summary] = done.stdout.splitlines()
    assert summary.startswith("0 articles added, 0 unchanged, 0 removed, 1 skipped; 0 articles, 0 passages in index;")


def test_skips_are_told_apart_from_the_summary(tmp_path: Path) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "empty.txt").write_text("")
    (folder / "binary.md").write_bytes(b"\0\1\2")
    (folder / "latin.txt").write_bytes("Müller".encode("latin-1"))
    (folder / "lines.jsonl").write_text('{"title": "no text"}\n{\n')
    done = run("articles", folder=tmp_path)
    assert done.returncode == 1
    skips = [line for line in done.stderr.splitlines() if line.startswith("skipped ")]
    named = ["binary.md", "empty.txt", "latin.txt", "lines.jsonl:1", "lines.jsonl:2"]
    assert [line.split(": ")[0] for line in skips] == [f"skipped articles/{name}" for name in named]
    assert len(done.stdout.splitlines()) == 1
    assert "5 skipped" in done.stdout


def test_an_unusable_index_folder(tmp_path: Path) -> None:
    (tmp_path / "owl.txt").write_text(STORY)
    done = run("owl.txt", "--index", "owl.txt", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "ingest.py: owl.txt: cannot hold an index: File exists\n"
    (tmp_path / "index" / DATABASE).mkdir(parents=True)
    done = run("owl.txt", folder=tmp_path)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert DATABASE in done.stderr


def test_a_damaged_database(built: Path) -> None:
    (built / "index" / DATABASE).write_bytes(b"This is no database, and never was one. " * 30)
    done = run("articles", folder=built)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"ingest.py: index/{DATABASE}: file is not a database:"
        " move it away and build it again with python ingest.py ARTICLES\n"
    )


def test_an_unknown_model(tmp_path: Path) -> None:
    (tmp_path / "owl.txt").write_text(STORY)
    (tmp_path / "model").mkdir()
    done = run("owl.txt", "--model", "model", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "ingest.py: model: no sentence-transformers model: no .safetensors file in it\n"


def test_remove(built: Path) -> None:
    done = run("--remove", "articles", "--remove", "articles/owl.txt", folder=built)
    assert (done.returncode, done.stdout, done.stderr) == (0, "removed 1 article\n", "")
    with closing(Index.open(built / "index", encoder=HashedEncoder())) as index:
        assert [article.text for article in index.articles()] == ["A fox ran."]
        assert index.check() == []
        [fox] = index.articles()
    done = run("--remove", fox.id, folder=built)  # the last one; needs no model, and hashed-words would not load
    assert (done.returncode, done.stdout, done.stderr) == (0, "removed 1 article\n", "")


def test_remove_what_is_not_there(built: Path) -> None:
    done = run("--remove", "wolf.txt", folder=built)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "ingest.py: no article 'wolf.txt' in index: see python -m clippings list\n"


def test_remove_where_no_index_is(tmp_path: Path) -> None:
    done = run("--remove", "wolf.txt", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "ingest.py: no index in index: build one with python ingest.py ARTICLES\n"
    assert list(tmp_path.iterdir()) == []


def test_names_move_with_the_index(built: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("articles", "index"):
        shutil.move(built / name, moved / name)
    done = run("--index", "elsewhere/index", "--remove", "elsewhere/articles/owl.txt", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "removed 1 article\n", "")
