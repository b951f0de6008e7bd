"""The whole product where there is no network, with no cache of an earlier download to help."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Where a namespace without network is not allowed, every name and every connection is refused in Python instead.
GUARD = """
import socket, sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if isinstance(address, tuple) and not (address[0] == "::1" or address[0].startswith("127.")):
            raise OSError(f"no network: {address}")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        if arguments[0] not in (None, "", "localhost", "127.0.0.1"):
            raise OSError(f"no network: {arguments[0]}")

sys.addaudithook(refuse)
"""

RUN = """
set -e
"$PYTHON" ingest.py "$PLACE/articles" --index "$PLACE/index" >"$PLACE/ingest.out"
"$PYTHON" -m clippings ask "When does the ferry return to the harbour of Ellery?" --index "$PLACE/index" --json
"""

FERRY = """Ferry to return to Ellery in May

ELLERY, March 4. The ferry returns to the harbour of Ellery on 12 May, the port authority said on Tuesday.

It carries 120 passengers and was rebuilt in a dock in the north during the winter.
"""
COUNCIL = """---
title: Council keeps the old library
outlet: The Courier
published: 2025-02-11
---

The council voted by 16 to 15 to keep the old library open for another year.
"""


def without_network(folder: Path) -> list[str]:
    """The command that cuts off what follows it: a namespace in which even the loopback is down, or nothing."""
    unshare = shutil.which("unshare")
    if unshare and subprocess.run([unshare, "-rn", "true"], capture_output=True).returncode == 0:
        return [unshare, "-rn"]
    (folder / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    return []


def environment(folder: Path) -> dict[str, str]:
    (folder / "home").mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    return kept | {
        "HOME": str(folder / "home"),
        "PYTHON": sys.executable,
        "PLACE": str(folder),
        "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
    }


def test_ingest_and_ask_without_network(tmp_path: Path) -> None:
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles/ferry.txt").write_text(FERRY, encoding="utf-8")
    (tmp_path / "articles/council.md").write_text(COUNCIL, encoding="utf-8")
    command = [*without_network(tmp_path), "sh", "-c", RUN]
    surroundings = environment(tmp_path)
    ended = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    assert answer["found"] is True
    quote = answer["quotes"][0]
    shown = subprocess.run(
        [sys.executable, "-m", "clippings", "show", quote["article"], "--index", tmp_path / "index", "--json"],
        cwd=ROOT,
        env=surroundings,
        capture_output=True,
        text=True,
        check=True,
    )
    article = json.loads(shown.stdout)
    assert quote["text"] == article["text"][quote["start"] : quote["end"]]
    assert "12 May" in quote["text"]
    assert (tmp_path / "ingest.out").read_text(encoding="utf-8").startswith("2 articles added, 0 unchanged, 0 removed")


def test_the_guard_refuses_the_network(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    tries = """
import socket
for act in (
    lambda: socket.create_connection(("192.0.2.1", 80), timeout=1),
    lambda: socket.getaddrinfo("huggingface.co", 443),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", ("192.0.2.1", 53)),
):
    try:
        act()
    except OSError as error:
        assert str(error).startswith("no network: "), error
    else:
        raise AssertionError("not refused")
"""
    ended = subprocess.run(
        [sys.executable, "-c", tries], env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
