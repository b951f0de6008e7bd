"""The errors that a user can cause and mend."""


class ClippingsError(Exception):
    """Says where, which value, and what to do; a command prints it as one line and exits 1.

    "articles.jsonl:17: no 'text'"; "no index in index/: build one with python ingest.py ARTICLES".
    """
