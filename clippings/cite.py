"""Quotes and their sources, made into JSON, plain text and HTML; the one place where article text is escaped."""

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import urlsplit

from clippings.answer import numbered
from clippings.records import Answer, Article, Hit, Quote, Span
from clippings.templates import Templates

Json = dict[str, Any]

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # what could move a terminal's cursor or change its colours
AUTHORITY = re.compile(r"(?:\[[^\[\]@]+\]|[^\[\]@:]+)(?::\d*)?")  # of a URL: a host and a port, no user before them
BLANK_LINES = re.compile(r"(\n{2,})")  # what stands between two paragraphs


# --- JSON: what commands and the API promise -------------------------------------------------------------------------


def answer_json(answer: Answer) -> Json:
    """Give an answer as the object that `ask --json` and the API promise."""
    return {
        "question": answer.question,
        "searched": answer.searched or answer.question,
        "found": answer.found,
        "confidence": answer.confidence,
        "quotes": [_quote_json(quote) for quote in answer.quotes],
        "sources": [_source_json(number, source) for number, source in enumerate(answer.sources, 1)],
        "nearest": [_quote_json(quote) for quote in answer.nearest],
    }


def summary_json(answer: Answer) -> Json:
    """Give a summary as the same object as an answer, without a confidence."""
    return {key: value for key, value in answer_json(answer).items() if key != "confidence"}


def hits_json(query: str, hits: Sequence[Hit], *, articles: Mapping[str, Article], searched: str | None = None) -> Json:
    """Give hits as the quotes of their articles, numbered in order of first appearance.

    `articles` holds, by id, at least every article that a hit lies in; `searched` is as in an Answer.
    """
    quotes, sources = numbered(hits, articles)
    return {
        "query": query,
        "searched": searched or query,
        "hits": [{key: value for key, value in _quote_json(quote).items() if key != "highlight"} for quote in quotes],
        "sources": [_source_json(number, source) for number, source in enumerate(sources, 1)],
    }


def article_json(article: Article) -> Json:
    """Give a whole article, with its text."""
    return {
        "id": article.id,
        "title": article.title,
        "outlet": article.outlet,
        "author": article.author,
        "published": article.published.isoformat() if article.published else None,
        "dateline": article.dateline,
        "path": article.path,
        "url": article.url,
        "text": article.text,
    }


def _quote_json(quote: Quote) -> Json:
    start, short = quote.span.start, quote.highlight
    return {
        "text": quote.text,
        "article": quote.span.article_id,
        "start": start,
        "end": quote.span.end,
        "source": quote.source,
        "score": quote.score,
        "highlight": [short.start - start, short.end - start] if short else None,
    }


def _source_json(number: int, article: Article) -> Json:
    named = article_json(article)
    return {"number": number} | {
        key: named[key] for key in ("id", "title", "outlet", "author", "published", "path", "url")
    }


# --- plain text: what a terminal shows -------------------------------------------------------------------------------


def answer_text(answer: Answer, templates: Templates) -> str:
    """Give an answer or a summary for a terminal: quotes with their numbers, then the sources."""
    parts = _searched_text(answer.searched, templates)
    if answer.found:
        parts += [_quote_text(quote) for quote in answer.quotes]
        if answer.confidence:
            parts.append(templates.say(f"confidence_{answer.confidence}"))
    else:
        parts.append(templates.say("not_found"))
        if answer.nearest:
            parts += [templates.say("nearest"), *(f"    {_quote_text(quote)}" for quote in answer.nearest)]
    return "\n\n".join(parts + _sources_text(answer.sources, templates))


def hits_text(
    hits: Sequence[Hit], templates: Templates, *, articles: Mapping[str, Article], searched: str | None = None
) -> str:
    """Give hits for a terminal as `answer_text` gives quotes; `articles` and `searched` as for `hits_json`."""
    quotes, sources = numbered(hits, articles)
    parts = _searched_text(searched, templates)
    if not quotes:
        return "\n\n".join([*parts, templates.say("no_hits")])
    return "\n\n".join(parts + [_quote_text(quote) for quote in quotes] + _sources_text(sources, templates))


def article_text(article: Article) -> str:
    """Give a whole article for a terminal."""
    facts = [article.outlet, article.author, _when(article), article.path, article.url]
    return _printable("\n".join([article.title, ", ".join(fact for fact in facts if fact), "", article.text]))


def line_text(article: Article) -> str:
    """Give an article as one line of a list for a terminal, its id first."""
    return f"{_printable(article.id)} {_line(article)}"


def _line(article: Article) -> str:
    facts = [article.title, article.outlet, _when(article), article.path or article.url]
    return _printable(" ".join(", ".join(fact for fact in facts if fact).split()))


def _quote_text(quote: Quote) -> str:
    return _printable(f"{quote.text} [{quote.source}]")


def _searched_text(searched: str | None, templates: Templates) -> list[str]:
    return [_printable(templates.say("searched", question=searched))] if searched else []


def _sources_text(sources: Sequence[Article], templates: Templates) -> list[str]:
    lines = [templates.say("sources")] if sources else []
    lines += [f"[{number}] {_line(source)}" for number, source in enumerate(sources, 1)]
    return ["\n".join(lines)] if lines else []


def _printable(text: str) -> str:
    return CONTROL.sub("\ufffd", text)


def _when(article: Article) -> str:
    return f"{article.published.day} {article.published:%B %Y}" if article.published else article.dateline or ""


# --- HTML: what the chat shows ---------------------------------------------------------------------------------------


def answer_html(answer: Answer, templates: Templates) -> str:
    """Give an answer or a summary for the chat; every number is a button that carries its article, start and end."""
    titles = [source.title for source in answer.sources]
    parts = []
    if answer.searched:
        parts.append(f'<p class="searched">{_escaped(templates.say("searched", question=answer.searched))}</p>')
    if answer.found:
        parts += [_quote_html(quote, titles[quote.source - 1], templates) for quote in answer.quotes]
        if answer.confidence:
            words = _escaped(templates.say(f"confidence_{answer.confidence}"))
            parts.append(f'<p class="confidence {answer.confidence}">{words}</p>')
        return "".join([*parts, _sources_html(answer, templates)])
    parts.append(f'<p class="message">{_escaped(templates.say("not_found"))}</p>')
    if answer.nearest:
        quotes = "".join(_quote_html(quote, titles[quote.source - 1], templates) for quote in answer.nearest)
        parts.append(f'<section class="nearest"><h3>{_escaped(templates.say("nearest"))}</h3>{quotes}</section>')
    return "".join([*parts, _sources_html(answer, templates)])


def article_html(article: Article, span: Span) -> str:
    """Give a whole article with the span marked; its `.text` element holds the text to the last character.

    The marked passage is `<mark id="passage">`, and further `<mark>`s where it goes on in another paragraph.
    """
    facts = [_escaped(fact) for fact in (article.author, _when(article), article.path) if fact] + [_link(article)]
    kicker = f'<p class="outlet" dir="auto">{_escaped(article.outlet)}</p>' if article.outlet else ""
    header = f'{kicker}<h2 dir="auto">{_escaped(article.title)}</h2><p class="byline">{_facts(facts)}</p>'
    text = _text_html(article.text, span.start, span.end)
    return f'<article><header>{header}</header><div class="text">{text}</div></article>'


def contents_html(articles: Iterable[Article]) -> str:
    """Give a list of whole articles to open, in the order given."""
    rows = (f"<li>{_entry(article, Span(article.id, 0, 0))}</li>" for article in articles)
    return f'<ol class="contents">{"".join(rows)}</ol>'


def _text_html(text: str, start: int, end: int) -> str:
    html, at, name = [], 0, ' id="passage"'
    for odd, piece in enumerate(BLANK_LINES.split(text)):
        inside = [min(max(place - at, 0), len(piece)) for place in (start, end)]
        before, marked, after = piece[: inside[0]], piece[inside[0] : inside[1]], piece[inside[1] :]
        at += len(piece)
        if marked:
            marked, name = f"<mark{name}>{_escaped(marked)}</mark>", ""
        inner = f"{_escaped(before)}{marked}{_escaped(after)}"
        html.append(inner if odd % 2 else f'<p dir="auto">{inner}</p>')
    return "".join(html)


def _quote_html(quote: Quote, title: str, templates: Templates) -> str:
    words, short = _escaped(quote.text), quote.highlight
    if short:
        first, last = short.start - quote.span.start, short.end - quote.span.start
        cut = quote.text[:first], quote.text[first:last], quote.text[last:]
        words = "{}<mark>{}</mark>{}".format(*map(_escaped, cut))
    label = _escaped(templates.say("source", number=quote.source, title=title))
    button = (
        f'<button type="button" class="marker" aria-label="{label}" {_target(quote.span)}>[{quote.source}]</button>'
    )
    return f'<blockquote class="quote" dir="auto"><span class="words">{words}</span> {button}</blockquote>'


def _sources_html(answer: Answer, templates: Templates) -> str:
    rows = []
    for number, source in enumerate(answer.sources, 1):
        first = next(quote for quote in (*answer.quotes, *answer.nearest) if quote.source == number)
        rows.append(f'<li value="{number}">{_entry(source, first.span)}</li>')
    heading = f"<h3>{_escaped(templates.say('sources'))}</h3>"
    return f'<section class="sources">{heading}<ol>{"".join(rows)}</ol></section>' if rows else ""


def _entry(article: Article, span: Span) -> str:
    title = f'<button type="button" class="title" dir="auto" {_target(span)}>{_escaped(article.title)}</button>'
    facts = [_escaped(fact) for fact in (article.outlet, _when(article)) if fact] + [_link(article)]
    return f'{title}<span class="facts">{_facts(facts)}</span>'


def _facts(facts: Sequence[str]) -> str:
    return "".join(f'<span dir="auto">{fact}</span>' for fact in facts if fact)


def _target(span: Span) -> str:
    return f'data-article="{_escaped(span.article_id)}" data-start="{span.start}" data-end="{span.end}"'


def _link(article: Article) -> str:
    url = article.url or ""
    host = _host(url)
    if not host:
        return _escaped(url)
    return f'<a href="{_escaped(url)}" target="_blank" rel="noopener noreferrer">{_escaped(host)}</a>'


def _host(url: str) -> str | None:
    """Give the host that a browser would go to; None where browsers read a URL otherwise than Python, or may."""
    if not url.isprintable() or " " in url or "\\" in url:  # no spaces or controls, nor what turns the reading order
        return None
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 -- raises when it is no port
    except ValueError:  # "http://[" and the like
        return None
    return parts.hostname if parts.scheme in ("http", "https") and AUTHORITY.fullmatch(parts.netloc) else None


def _escaped(text: str) -> str:
    return escape(text).replace("\r", "&#13;")  # a bare carriage return would be read as a new line
