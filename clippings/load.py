"""Find the files and read what each says: .txt, .md, .html and .jsonl into pages of plain text."""

import codecs
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from clippings.errors import ClippingsError
from clippings.records import Page, Skip

JOINERS = "\u200c\u200d"  # unprintable, but Persian, the scripts of India and emoji need them
SUFFIXES = (".txt", ".md", ".html", ".htm", ".jsonl")
MAX_ARTICLE_BYTES = 5_000_000  # of one article; a long novel is about 1 MB, so more is no article but a dump
BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
HTML_CHARSET = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)
# What browsers take for these names, for that is what pages under them are written in.
AS_BROWSERS = {"iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}
COLON = re.compile(  # "title: Fire: two hurt" is no YAML
    r"^(\w+:[ \t]+)([^\s\"'\[{|>&*!%@`#].*:[ \t].*)$", re.MULTILINE
)
FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)


def find(paths: Iterable[Path]) -> Iterator[Path | Skip]:
    """Give the article files under `paths`, folders recursively, in sorted order and each once.

    A walk passes over hidden entries, other kinds of file and README.md, which speaks about a folder's articles
    and is none of them; a file that is named itself is always taken.
    """
    seen: set[str] = set()
    for path in paths:
        for each in _under(path):
            if isinstance(each, Skip):
                yield each
            elif (real := os.path.realpath(each)) not in seen:
                seen.add(real)
                yield each


def load(path: Path, name: str) -> Iterator[Page | Skip]:
    """Read the pages of one file; `name` is what the index calls it. What cannot be read is a Skip."""
    try:
        if path.suffix.lower() == ".jsonl":
            yield from _jsonl(path, name)
        else:
            yield _single(path, name)
    except OSError as error:
        yield _unreadable(name, error)
    except ClippingsError as error:
        yield Skip(name, str(error))


def _under(path: Path) -> Iterator[Path | Skip]:
    try:
        if path.is_dir():
            yield from _walk(path)
        elif not path.exists():
            yield Skip(str(path), "no such file or folder")
        elif path.suffix.lower() not in SUFFIXES:
            yield Skip(str(path), f"not one of {', '.join(SUFFIXES)}")
        else:
            yield _file(path)
    except OSError as error:
        yield _unreadable(str(path), error)


def _walk(folder: Path) -> Iterator[Path | Skip]:
    problems: list[Skip] = []
    walk = os.walk(folder, onerror=lambda error: problems.append(_unreadable(str(error.filename), error)))
    for parent, folders, files in walk:
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and name.lower() != "readme.md" and name.lower().endswith(SUFFIXES):
                yield _file(Path(parent, name))
    yield from problems


def _file(path: Path) -> Path | Skip:
    try:
        str(path.absolute()).encode()
        return path if path.is_file() else Skip(str(path), "not a file, or a link that leads nowhere")
    except OSError as error:
        return _unreadable(str(path), error)
    except UnicodeEncodeError:  # the index, whose names are text, could not hold it
        return Skip(os.fsencode(path).decode(errors="replace"), "a name that is not UTF-8: rename it")


def _unreadable(where: str, error: OSError) -> Skip:
    return Skip(where, f"cannot be read: {error.strerror or error}")


def _single(path: Path, name: str) -> Page:
    size = path.stat().st_size
    if size > MAX_ARTICLE_BYTES:
        raise ClippingsError(
            f"{size / 1e6:.0f} MB: too large for one article (at most {MAX_ARTICLE_BYTES / 1e6:.0f} MB)"
        )
    raw = path.read_bytes()
    if path.suffix.lower() in (".html", ".htm"):
        page = _html(raw, name)
    elif path.suffix.lower() == ".md":
        page = _markdown(_decode(raw), name)
    else:
        page = Page(_decode(raw), name)
    if not page.text.strip():
        raise ClippingsError("empty: no article text")
    return page


def _decode(raw: bytes, charset: str = "utf-8") -> str:
    charset = next((name for bom, name in BOMS.items() if raw.startswith(bom)), charset)
    try:
        text = raw.decode(charset)
    except UnicodeDecodeError as error:
        if b"\0" in raw:
            raise ClippingsError("binary: not a text file") from error
        byte = error.object[error.start]
        raise ClippingsError(f"not {charset} (byte 0x{byte:02x} at {error.start}): save it as UTF-8") from error
    except (LookupError, UnicodeError) as error:  # Python has charsets that are none, such as "undefined"
        raise ClippingsError(f"unknown charset {charset!r}: save it as UTF-8") from error
    if "\0" in text:
        raise ClippingsError("binary: not a text file")
    return text


def _html(raw: bytes, name: str) -> Page:
    import trafilatura  # half a second to import, and needed for this format alone
    from trafilatura.settings import Document

    found = trafilatura.bare_extraction(
        _decode(raw, _charset(raw)),
        include_comments=False,
        with_metadata=True,
        date_extraction_params={"extensive_search": False},
    )  # an extensive search would take any date in the text for the date of publication
    if not isinstance(found, Document) or not found.text:
        raise ClippingsError("no article text found in the page")
    return Page(
        text="\n\n".join(found.text.split("\n")),
        path=name,
        title=_string(found.title),
        url=_string(found.url),
        outlet=_string(found.sitename),
        author=_string(found.author),
        published=_date(found.date),
    )


def _charset(raw: bytes) -> str:
    """Give the charset of a page: UTF-8 where all of it is, whatever it declares, else the one that it declares."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        declared = HTML_CHARSET.search(raw[:4096])
        name = declared[1].decode().lower() if declared else "utf-8"
        return AS_BROWSERS.get(name, name)
    return "utf-8"


def _markdown(text: str, name: str) -> Page:
    """Read CommonMark with optional YAML front matter; raw HTML is text like any other."""
    from markdown_it import MarkdownIt

    text = text.replace("\r\n", "\n").replace("\r", "\n")
    header = FRONT_MATTER.match(text)
    fields = _yaml(header[1]) if header else None
    page = _with_metadata(Page("", name), fields or {})
    body = text[header.end() :] if header and fields is not None else text
    tokens = MarkdownIt("commonmark", {"html": False}).parse(body)
    paragraphs: list[str] = []
    for token, previous in zip(tokens, [None, *tokens], strict=False):
        if token.type == "inline":
            words = "".join(
                child.content if child.type in ("text", "code_inline") else " " if child.type.endswith("break") else ""
                for child in token.children or ()
            )
            if page.title is None and not paragraphs and previous and previous.tag == "h1":
                page = replace(page, title=_string(words))
            else:
                paragraphs.append(words)
        elif token.type in ("fence", "code_block"):
            paragraphs.append(token.content)
    return replace(page, text="\n\n".join(paragraphs))


def _yaml(text: str) -> dict[str, Any] | None:
    """Read front matter, or None when the lines between the rules are no fields but text."""
    import yaml

    # Values as they stand, for 1984 is a title and 2022-13-45 no error; the first line is the rule above them.
    try:
        try:
            fields = yaml.load("\n" + text, Loader=yaml.BaseLoader)
        except yaml.YAMLError:
            quoted = COLON.sub(lambda line: line[1] + json.dumps(line[2].rstrip(), ensure_ascii=False), text)
            fields = yaml.load("\n" + quoted, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).replace('in "<unicode string>", ', "in ").split())
        raise ClippingsError(f"front matter is not YAML: {reason}") from error
    except RecursionError as error:
        raise ClippingsError("front matter is not YAML: nested too deeply") from error
    if not isinstance(fields, dict):
        return None
    return {key: value for key, value in fields.items() if value not in ("null", "~")}


def _jsonl(path: Path, name: str) -> Iterator[Page | Skip]:
    with path.open("rb") as lines:
        if lines.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise ClippingsError("UTF-16, and .jsonl is read in UTF-8 alone: save it as UTF-8")
        lines.seek(0)
        empty = True
        for number, line in enumerate(lines, start=1):
            if line.strip():
                empty = False
                try:
                    yield replace(_line(line, name), line=number)
                except ClippingsError as error:
                    yield Skip(f"{name}:{number}", str(error))
        if empty:
            raise ClippingsError("empty: no article text")


def _line(line: bytes, name: str) -> Page:
    if len(line) > MAX_ARTICLE_BYTES:
        raise ClippingsError(f"{len(line) / 1e6:.0f} MB: too large for one article")
    try:
        fields = json.loads(_decode(line), parse_int=float)  # Python refuses integers of thousands of digits
    except json.JSONDecodeError as error:
        raise ClippingsError(f"not JSON: {error.msg.removesuffix(' at')} at character {error.pos + 1}") from error
    except RecursionError as error:
        raise ClippingsError("not JSON: nested too deeply") from error
    if not isinstance(fields, dict):
        raise ClippingsError("not a JSON object")
    text = fields.get("text")
    if not isinstance(text, str) or not text.strip():
        raise ClippingsError("no 'text'")
    return _with_metadata(Page(text, name), fields)


def _with_metadata(page: Page, fields: dict[str, Any]) -> Page:
    return replace(
        page,
        title=_string(fields.get("title")),
        url=_string(fields.get("url")),
        outlet=_string(fields.get("outlet")),
        author=_string(fields.get("author")),
        published=_date(fields.get("published")),
    )


def _string(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    return "".join(char for char in " ".join(value.split()) if char.isprintable() or char in JOINERS).strip() or None


def _date(value: object) -> date | None:
    """Read an ISO date or time; anything else is unknown, for a guess would be worse."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return datetime.fromisoformat(value.strip()).date() if isinstance(value, str) else None
    except ValueError:
        return None
