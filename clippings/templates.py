"""The words that the program says and asks with, kept as text in prompts/ so that anyone can change them."""

import tomllib
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from clippings.errors import ClippingsError

PROMPTS = Path(__file__).resolve().parent.parent / "prompts"


@dataclass(frozen=True)
class Prefixes:
    """What an embedding model wants before a query and before a passage; empty for most models."""

    query: str = ""
    passage: str = ""


class Templates:
    """The texts of one prompts folder."""

    def __init__(self, folder: Path = PROMPTS) -> None:
        self._path = folder / "messages.toml"
        self._messages = _toml(self._path)
        self._prefixes = _prefixes(folder / "prefixes.toml")
        self.examples = [line.strip() for line in _text(folder / "examples.txt").splitlines() if line.strip()]

    def say(self, name: str, **values: object) -> str:
        """Fill the message `name` with `values`."""
        message = self._messages.get(name)
        if not isinstance(message, str):
            raise ClippingsError(f"{self._path}: no message {name!r}")
        try:
            return message.format(**values)
        except (LookupError, ValueError, AttributeError) as error:
            raise ClippingsError(f"{self._path}: {name!r} cannot be filled in with {', '.join(values)}") from error

    def count(self, what: str, number: int) -> str:
        """Say how many there are of `what`: "1 article", "1,200 articles"."""
        return self.say(f"{what}_{'one' if number == 1 else 'many'}", count=number)

    def held(self, articles: int, passages: int) -> str:
        """Say how much an index holds."""
        return self.say("held", articles=self.count("articles", articles), passages=self.count("passages", passages))

    def prefixes(self, model: str) -> Prefixes:
        """Give the prefixes of the first entry whose key is in the last part of the model's path, in any case."""
        name = PureWindowsPath(model).name.lower()  # which goes by both kinds of slash
        for part, prefixes in self._prefixes.items():
            if part.lower() in name:
                return prefixes
        return Prefixes()


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ClippingsError(f"{path}: not TOML: {error}") from error


def _prefixes(path: Path) -> dict[str, Prefixes]:
    found = {}
    for model, fields in _toml(path).items():
        if not isinstance(fields, dict) or not fields.keys() <= {"query", "passage"}:
            raise ClippingsError(f"{path}: {model}: give a query and a passage")
        if not all(isinstance(prefix, str) for prefix in fields.values()):
            raise ClippingsError(f"{path}: {model}: a prefix is a text in quotation marks")
        found[model] = Prefixes(**fields)
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ClippingsError(f"{path}: cannot be read: {error}") from error
