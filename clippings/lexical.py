"""The lexical index: BM25 over title and text with tantivy, on disk, derived from the store."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import tantivy

from clippings.store import Store

# Chinese, Japanese and Thai are written without spaces, so there each character is a term.
UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}"
TERMS = rf"\d+(?:[.,]\d+)+|[{UNSPACED}]|[\w&&[^_{UNSPACED}]]+"  # 41,000 is one term
TITLE_BOOST = 0.5  # of a term in the title against one in the text, which is repeated for every passage of the article
MAX_TERMS = 64  # of a query, the rarest; a longer one is a pasted text and gains nothing from the rest
WRITER_HEAP = 64_000_000  # bytes


class Lexical:
    """One open tantivy index."""

    def __init__(self, folder: Path) -> None:
        """Open the index in `folder`, made when there is none or when what is there cannot be opened."""
        folder.mkdir(parents=True, exist_ok=True)
        self._analyzer = _analyzer()
        self._index = tantivy.Index(_schema(), path=str(folder))
        self._index.register_tokenizer("terms", self._analyzer)
        self._index.reload()

    def terms(self, text: str) -> list[str]:
        """Give the text's terms in order: lower case, without accents, English endings removed."""
        return list(self._analyzer.analyze(text))

    def rarity(self, terms: Iterable[str]) -> dict[str, float]:
        """Give each term's inverse document frequency as BM25 has it, in nats; the rarer the higher."""
        searcher = self._index.searcher()
        total = searcher.num_docs
        found = {term: min(searcher.doc_freq("text", term), total) for term in terms}
        return {term: math.log(1 + (total - count + 0.5) / (count + 0.5)) for term, count in found.items()}

    def search(self, terms: Sequence[str], k: int) -> tuple[list[int], list[float]]:
        """Give the numbers and the BM25 scores (k1 1.2, b .75) of the k best passages, the best first."""
        rarity = self.rarity(dict.fromkeys(terms))
        rarest = sorted(rarity, key=lambda term: -rarity[term])[:MAX_TERMS]
        if not rarest:
            return [], []
        schema = self._index.schema
        query = tantivy.Query.boolean_query(
            [
                (tantivy.Occur.Should, tantivy.Query.boost_query(tantivy.Query.term_query(schema, field, term), boost))
                for term in rarest
                for field, boost in (("text", 1.0), ("title", TITLE_BOOST))
            ]
        )
        searcher = self._index.searcher()
        hits = searcher.search(query, k, count=False).hits
        numbers = searcher.fast_field_values("number", [address for _, address in hits])
        return [int(number) for number in numbers if number is not None], [float(score) for score, _ in hits]

    def state(self) -> str:
        """Give the store's state that this index was made from."""
        searcher = self._index.searcher()
        hits = searcher.search(tantivy.Query.term_query(self._index.schema, "kind", "state"), 1).hits
        return str(searcher.doc(hits[0][1])["state"][0]) if hits else ""

    def count(self) -> int:
        """Count the passages."""
        return max(self._index.searcher().num_docs - 1, 0)  # one entry is the state

    def catch_up(self, store: Store) -> None:
        """Take in what has changed in the store, unless another process is at it and will."""
        self._index.reload()
        if self.state() == store.state():
            return
        try:
            writer = self._index.writer(WRITER_HEAP, num_threads=1)
        except ValueError as error:
            if "Lock" in str(error):
                return
            raise
        self._index.reload()  # what another process took in before it let go of the lock is not to be taken in twice
        changes = store.changes(self.state())
        if changes is None:
            writer.delete_all_documents()
            changes = store.changes("") or []
        for change in changes:
            if change.added:
                for passage in store.texts(change.first, change.last):
                    writer.add_document(tantivy.Document(number=passage.number, title=passage.title, text=passage.text))
            else:
                for number in range(change.first, change.last + 1):
                    writer.delete_documents_by_term("number", number)
        if changes:
            writer.delete_documents_by_term("kind", "state")
            writer.add_document(tantivy.Document(kind="state", state=changes[-1].state))
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()


def _analyzer() -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(TERMS))
    for each in (tantivy.Filter.lowercase(), tantivy.Filter.ascii_fold(), tantivy.Filter.stemmer("english")):
        builder = builder.filter(each)
    return builder.build()


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("number", indexed=True, fast=True)
    builder.add_text_field("kind", tokenizer_name="raw", index_option="basic")  # "state" for the one entry that has it
    builder.add_text_field("state", stored=True, tokenizer_name="raw", index_option="basic")
    for field in ("title", "text"):
        builder.add_text_field(field, tokenizer_name="terms", index_option="freq")
    return builder.build()
