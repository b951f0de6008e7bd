"""Give the questions of questions.jsonl, which were written for this project, with the passages that they are on.

A row has a passage, by the digest of its text where it is of a data set, else in full with its title, and the questions
on it: with the place of the words that answer, or of the sentence, if only a whole one does, or with none, if nothing
there answers. README.md says how they were written.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import sets
from cloze import Places

from clippings.records import Article

QUESTIONS = Path(__file__).with_name("questions.jsonl")


def written(
    rows: Iterable[dict[str, Any]], passages: Iterable[tuple[str, str]]
) -> list[tuple[str, str, str, str, Places]]:
    """Give the questions on what is among `passages`, each a title and a text, and those on passages of their own.

    Each comes as kind, question, title, text and place of the answer in the text, as `Example` has them. How many are
    left out, if any, is said on the standard error.
    """
    found: list[tuple[str, str, str, str, Places]] = []
    asked = {row["passage"] if "passage" in row else sets.digest(row["text"]): row for row in rows}
    own = [(row["title"], row["text"]) for row in asked.values() if "text" in row]
    for title, text in [*own, *passages]:
        row = asked.pop(sets.digest(text), None)
        for each in row["questions"] if row else ():
            places = ((each["start"], each["end"]),) if "start" in each else ()
            kind = "written-unanswerable" if not places else "written-sentence" if "sentence" in each else "written"
            found.append((kind, each["question"], title, text, places))
    if asked:
        lost = sum(len(row["questions"]) for row in asked.values())
        print(
            f"{lost} written questions are left out, for their passages are not there or may not be taught:"
            " the data is another, or articles are split or found in another way than when they were written",
            file=sys.stderr,
        )
    return found


def passages(article: Article) -> Iterator[tuple[str, str]]:
    """Give the article's title and the text of each of its passages."""
    for span in sets.passages(article):
        yield article.title, article.text[span.start : span.end]
