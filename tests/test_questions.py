"""The project's source documents: extra, for they are not part of it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
RIGHT, REFUSED = 10, 4  # of 12 and 5, at least


@pytest.mark.skipif(not SHARED.is_dir(), reason="the source documents are not beside the project")
def test_source_documents() -> None:
    command = [sys.executable, "benchmarks/questions.py"]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert asked.returncode == 0, asked.stderr
    counted = re.search(r"right (\d+) of 12 answerable, refused (\d+) of 5 unanswerable", asked.stdout)
    assert counted, asked.stdout
    assert int(counted[1]) >= RIGHT, asked.stdout
    assert int(counted[2]) >= REFUSED, asked.stdout
