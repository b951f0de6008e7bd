"""The lexical index: BM25 over title and text with tantivy, on disk, derived from the store."""

import math
import shutil
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import tantivy

from clippings.errors import ClippingsError
from clippings.store import Store

# Chinese, Japanese and Thai are written without spaces, so there each character is a term.
UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}"
TERMS = rf"\d+(?:[.,]\d+)+|[{UNSPACED}]|[\w&&[^_{UNSPACED}]]+"  # 41,000 is one term
TITLE_BOOST = 1.5  # of a term in the title against one in the text: the best of 0.5 to 3 on news, and by far above 0.5
# Words that say what kind of question it is, or nothing. In a small index the rarest of them, such as "did", would
# outweigh what is asked about; left out altogether, they cost a large one five points of its first hits.
FUNCTION_WORDS = frozenset(
    """
    a about according after all also an and any are as at be been before being between both but by can could did do
    does during each for from had has have having he her his how i if in into is it its long many may me might much
    must my no not of off on or our out over s she should so some t than that the their them then there these they
    this those to under until up was we were what when where which while who whom whose why will with would you your
    """.split()
)
FUNCTION_SHARE = 0.25  # of the rarest other term's weight in a search, that a function word has at most
# What English endings do not tell: "why did it begin" asks for what "began". One word a group, its forms by strokes.
IRREGULAR = """
arise/arose/arisen awake/awoke bear/bore/borne beat/beaten become/became begin/began/begun bend/bent bind/bound
bite/bit/bitten bleed/bled blow/blew/blown break/broke/broken breed/bred bring/brought build/built burn/burnt buy/bought
catch/caught choose/chose/chosen come/came creep/crept deal/dealt dig/dug draw/drew/drawn
drink/drank/drunk drive/drove/driven eat/ate/eaten fall/fell/fallen feed/fed feel/felt fight/fought find/found flee/fled
fly/flew/flown forbid/forbade/forbidden forget/forgot/forgotten forgive/forgave freeze/froze/frozen get/got/gotten
give/gave/given go/went/gone grow/grew/grown hang/hung hear/heard hide/hid/hidden hold/held keep/kept
know/knew/known lay/laid lead/led lean/leant learn/learnt leave/left lend/lent lose/lost make/made mean/meant meet/met
overcome/overcame overtake/overtook/overtaken pay/paid ride/rode/ridden ring/rang/rung rise/rose/risen run/ran say/said
see/saw/seen seek/sought sell/sold send/sent shake/shook/shaken shine/shone shoot/shot show/shown shrink/shrank/shrunk
sing/sang/sung sink/sank/sunk sit/sat sleep/slept slide/slid speak/spoke/spoken speed/sped spend/spent spin/spun
stand/stood steal/stole/stolen stick/stuck strike/struck/stricken strive/strove swear/swore/sworn sweep/swept
swim/swam/swum swing/swung take/took/taken teach/taught tear/tore/torn tell/told think/thought throw/threw/thrown
understand/understood wake/woke/woken wear/wore/worn weep/wept win/won withdraw/withdrew/withdrawn write/wrote/written
child/children foot/feet goose/geese man/men mouse/mice tooth/teeth wife/wives woman/women
"""
MAX_TERMS = 64  # of a query, the rarest that there are; a longer one is a pasted text and gains nothing from the rest
RESEMBLING = 1000  # passages, at most, for a term that is not found as it stands
WRITER_HEAP = 64_000_000  # bytes


class Lexical:
    """One open tantivy index."""

    def __init__(self, folder: Path) -> None:
        """Open the index in `folder`, made when there is none or when what is there cannot be opened."""
        self._folder = folder
        self._analyzer = _analyzer()
        groups = [self._stems(group.replace("/", " ")) for group in IRREGULAR.split()]
        self._forms = {group[0]: group for group in groups}
        self._base = {form: group[0] for group in groups for form in group}
        self._function = {term for word in FUNCTION_WORDS for term in self.terms(word)}
        try:
            folder.mkdir(exist_ok=True)
            try:
                self._index = tantivy.Index(_schema(), path=str(folder))
            except ValueError:  # broken, or of another version: it is only derived
                shutil.rmtree(folder)
                folder.mkdir()
                self._index = tantivy.Index(_schema(), path=str(folder))
        except OSError as error:
            raise ClippingsError(f"{folder}: cannot be written: {error.strerror}") from error
        self._index.register_tokenizer("terms", self._analyzer)

    def terms(self, text: str) -> list[str]:
        """Give the text's terms in order: lower case, without accents, English words by their base."""
        return [self._base.get(stem, stem) for stem in self._stems(text)]

    def content(self, terms: Sequence[str]) -> list[str]:
        """Give the terms that are not function words, or all when there are no others."""
        return [term for term in terms if term not in self._function] or list(terms)

    def rarity(self, terms: Iterable[str]) -> dict[str, float]:
        """Give each term's inverse document frequency in the texts as BM25 has it, in nats; the rarer the higher.

        Passages that have gone count until tantivy merges them away, in both numbers alike.
        """
        return {term: self._rarity(count) for term, count in self._counts(terms).items()}

    def _counts(self, terms: Iterable[str]) -> dict[str, int]:
        """Count the passages whose text has each term, in any of its forms."""
        searcher = self._index.searcher()
        return {term: sum(searcher.doc_freq("text", form) for form in self._forms.get(term, [term])) for term in terms}

    def _rarity(self, count: int) -> float:
        total = self._index.searcher().doc_freq("entry", "passage")
        return math.log(1 + max(total - count + 0.5, 0.5) / (count + 0.5))

    def holds(self, term: str) -> bool:
        """Whether any passage or headline has the term, in any of its forms."""
        searcher = self._index.searcher()
        forms = self._forms.get(term, [term])
        return any(searcher.doc_freq(field, form) for form in forms for field in ("text", "title"))

    def resembling(self, term: str) -> list[int]:
        """Give the numbers of passages with a term that one letter more, less, other or moved makes of this one."""
        near = [
            tantivy.Query.fuzzy_term_query(self._index.schema, field, term, distance=1, transposition_cost_one=True)
            for field in ("text", "title")
        ]
        return self._found(tantivy.Query.boolean_query([(tantivy.Occur.Should, each) for each in near]), RESEMBLING)[0]

    def search(self, terms: Sequence[str], k: int) -> tuple[list[int], list[float]]:
        """Give the numbers and the BM25 scores (k1 1.2, b .75) of the k best passages, the best first."""
        clauses = self._clauses(terms, {"text": 1.0, "title": TITLE_BOOST})
        return self._found(tantivy.Query.boolean_query(clauses), k) if clauses else ([], [])

    def scores(self, terms: Sequence[str], numbers: Sequence[int], *, field: Literal["text", "title"]) -> list[float]:
        """Give the BM25 score of each of these passages in one field alone, 0 where it has none of the terms."""
        clauses = self._clauses(terms, {field: 1.0})
        if not clauses or not numbers:
            return [0.0] * len(numbers)
        these = tantivy.Query.term_set_query(self._index.schema, "number", list(numbers))
        only = (tantivy.Occur.Must, tantivy.Query.const_score_query(these, 0.0))
        found = self._found(tantivy.Query.boolean_query([only, *clauses]), len(numbers))
        scores = dict(zip(*found, strict=True))
        return [scores.get(number, 0.0) for number in numbers]

    def _clauses(self, terms: Sequence[str], boosts: Mapping[str, float]) -> list[tuple[tantivy.Occur, tantivy.Query]]:
        """Search these fields for the rarest of the terms, with the weight that `boosts` gives a field."""
        counts = self._counts(terms)
        rarity = {term: self._rarity(count) for term, count in counts.items()}
        rarest = sorted(rarity, key=lambda term: (not counts[term], -rarity[term]))[:MAX_TERMS]
        others = [rarity[term] for term in rarest if counts[term] and term not in self._function]
        cap = FUNCTION_SHARE * max(others, default=math.inf)
        clauses = []
        for term in rarest:
            share = min(1.0, cap / rarity[term]) if term in self._function else 1.0
            for form in self._forms.get(term, [term]):
                for field, boost in boosts.items():
                    one = tantivy.Query.term_query(self._index.schema, field, form)
                    clauses.append((tantivy.Occur.Should, tantivy.Query.boost_query(one, share * boost)))
        return clauses

    def _found(self, query: tantivy.Query, k: int) -> tuple[list[int], list[float]]:
        searcher = self._index.searcher()
        hits = searcher.search(query, k, count=False).hits
        numbers = searcher.fast_field_values("number", [address for _, address in hits])
        return [int(number) for number in numbers if number is not None], [float(score) for score, _ in hits]

    def _stems(self, text: str) -> list[str]:
        return list(self._analyzer.analyze(unicodedata.normalize("NFC", text)))  # as articles are

    def state(self) -> str:
        """Give the store's state that this index was made from."""
        searcher = self._index.searcher()
        hits = searcher.search(tantivy.Query.term_query(self._index.schema, "entry", "state"), 1).hits
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
            if "LockBusy" in str(error):
                return
            raise ClippingsError(f"{self._folder}: cannot be written: {error}") from error
        try:
            self._index.reload()  # what another process took in before it let go of the lock is not taken in twice
            self._take_in(store, writer)
            writer.commit()
        except ValueError as error:
            raise ClippingsError(f"{self._folder}: cannot be written: {error}") from error
        finally:
            writer.wait_merging_threads()  # and let go of the lock; what was not committed is gone
        self._index.reload()

    def _take_in(self, store: Store, writer: tantivy.IndexWriter) -> None:
        changes = store.changes(self.state())
        if changes is None:
            writer.delete_all_documents()
            changes = store.changes("") or []
        for change in changes:
            if change.added:
                for each in store.texts(change.first, change.last):
                    writer.add_document(
                        tantivy.Document(entry="passage", number=each.number, title=each.title, text=each.text)
                    )
            else:
                for number in range(change.first, change.last + 1):
                    writer.delete_documents_by_term("number", number)
        if changes:
            writer.delete_documents_by_term("entry", "state")
            writer.add_document(tantivy.Document(entry="state", state=changes[-1].state))


def _analyzer() -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(TERMS))
    for each in (tantivy.Filter.lowercase(), tantivy.Filter.ascii_fold(), tantivy.Filter.stemmer("english")):
        builder = builder.filter(each)
    return builder.build()


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("number", indexed=True, fast=True)
    builder.add_text_field("entry", tokenizer_name="raw", index_option="basic")  # "passage"; one is the "state"
    builder.add_text_field("state", stored=True, tokenizer_name="raw", index_option="basic")
    for field in ("title", "text"):
        builder.add_text_field(field, tokenizer_name="terms", index_option="freq")
    return builder.build()
