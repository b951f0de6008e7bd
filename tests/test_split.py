import pytest
from hypothesis import given
from hypothesis import strategies as st

from clippings.records import Article, Span
from clippings.split import (
    MAX_QUOTATION_WORDS,
    MAX_SENTENCE_CHARACTERS,
    MAX_SPACELESS_CHARACTERS,
    PASSAGE_WORDS,
    sentences,
    split,
)


def article(text: str) -> Article:
    return Article("id", "Title", text)


def said(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentences(article(text))]


# Sentences; "|" stands where one ends


@pytest.mark.parametrize(
    "text",
    [
        # abbreviations
        "The U.S. Army said Gen. Stanislav Zas arrived.| Mr. Smith left.",
        "He lives in the U.S.| She lives in France.",
        "The U.S. Congress met.| The U.S. Senate did not.",
        "It will open at 5 p.m. Friday.| Then it closes.",
        "It will close at 5 p.m.| The mayor agreed.",
        "At 5 p.m. Moscow time it ended.| It was No. 1 in the U.K. and in the E.U. too.",
        "The vote, e.g. in Ohio, ended 5-4 on Jan. 13 in St. Louis.| It was over.",
        "Sen. John Kerry and Lt. Col. Day met Dr. A. B. Jones Jr. of Acme Inc. on Monday.| They talked.",
        "J.-P. Martin spoke.| He left.",
        "Prices rose 2.5 percent to $3.50.| Version 2.0 of example.com is out.",
        "He said ... and left.| What?| Yes!| Really?!| It was so.",
        "He wrote it (see p. 5).| Then he left.",
        # datelines and agencies
        "MOSCOW, January 13. /TASS/. Russian troops left.| They flew home.",
        "MINSK, January 13. /BelTA/ - The troops left.| They flew home.",
        "BERLIN, March 3 (Reuters) - Prices rose.| Wages fell.",
        "LONDON (AP) — Prices rose.| Wages fell.",
        "LONDON, Jan. 3. The queen spoke.| She left.",
        "(Reuters) Shares rose.| They fell.| More news came.",
        "KYIV (Kyiv Post). Troops left.| They flew home.",
        "МОСКВА, 13 января. /ТАСС/. Россия вывела войска.| Они улетели.",
        "МОСКВА, 13 янв - РИА Новости. Россия вывела войска.| Они улетели.",
        "MOSCOW. Jan 13 (Interfax) - Russia's troops left.| They flew home.",
        "Москва. 13 января. INTERFAX.RU - Россия вывела войска.| Они улетели.",
        "NUR-SULTAN. January 13. KAZINFORM - The troops left.| They flew home.",
        "NUR-SULTAN. January 13. /KAZINFORM/. “We left.”| They flew home.",
        "One paragraph.\n\n|MOSCOW, January 13. /TASS/. And another.| It has a dateline.",
        "NATO, EU agree.| They met.| It went well.",
        # quotations
        '"We are ready. We will go," he said.| "It is late."| She left.',
        "“We are ready. We will go. It is late,” said Ms. Jones.| The end came.",
        '"Is it over?" she asked.| "No!" he said.',
        'He asked "Why?" and left.| Then he came back.',
        "“We will go.”| “We will stay,” he said.",
        "„Wir gehen. Wir bleiben“, sagte er.| Dann ging er.",
        "Er sagte: „Wir gehen.“| Dann ging er fort.| Es war spät.",
        "„Idziemy. Zostajemy”, powiedział.| Potem wyszedł.",
        # Russian
        "А. С. Пушкин родился в 1799 г. в Москве.| Он был поэтом.",
        "В. В. Путин и К.-Ж. Токаев встретились.| Они обсудили всё.",
        "В г. Алматы прошли митинги.| Он живёт на ул. Мира, д. 5.| Там тихо.",
        "Институт им. Сатпаева закрыт.| Он пуст.",
        "«Мы готовы. Мы пойдём», — сказал он.| Потом он ушёл.",
        "«Мы уходим!» — сказал он.| Все молчали.",
        "Я приду, — сказал он.| Она ушла.",
        # Chinese and Japanese
        "今天天气很好。|我们去公园吧！|好吗？|是的。",
        "他说：“我们准备好了。我们走吧。”|然后离开了。",
        "彼は来た。|そして帰った。",
        # paragraphs
        "No full stop at the end\n\n|and a new paragraph.| With two sentences.\n\n|1\n\n|The end",
        '"A quotation that never ends. It goes on.\n\n|"In the next paragraph it ends," he said.| He left.',
    ],
)
def test_sentences(text: str) -> None:
    assert said(text.replace("|", "")) == [part.strip() for part in text.split("|")]


@pytest.mark.parametrize("text", ["", " ", "\n\n", " \n \n\t"])
def test_no_text_has_no_sentences_and_no_passages(text: str) -> None:
    assert sentences(article(text)) == []
    assert split(article(text), []) == []


def test_text_without_words_is_one_passage() -> None:
    assert said("?!\n\n…") == ["?!", "…"]
    spans = sentences(article("?!\n\n…"))
    assert split(article("?!\n\n…"), spans) == [spans]


def test_a_word_without_end_is_cut() -> None:
    limit = MAX_SENTENCE_CHARACTERS
    assert said("x" * 5 * limit) == ["x" * limit] * 5
    assert said("A " + "x" * (limit - 1) + " b.") == ["A", "x" * (limit - 1), "b."]


def test_a_list_without_full_stop_is_cut_between_words() -> None:
    words = [f"word{number}" for number in range(1000)]
    pieces = said(" ".join(words))
    assert " ".join(pieces).split(" ") == words
    assert max(map(len, pieces)) <= MAX_SENTENCE_CHARACTERS


THAI, KHMER, LAO, BURMESE = "ไฟไหม้ตลาดเก่าเมื่อคืนนี้", "ភ្លើងឆេះផ្សារចាស់យប់មិញ", "ໄຟໄໝ້ຕະຫຼາດເກົ່າຄືນນີ້", "ညကဈေးဟောင်းမီးလောင်သည်"


@pytest.mark.parametrize("clause", [THAI, KHMER, LAO, BURMESE])
@pytest.mark.parametrize("end", [" ", "។"])
def test_a_script_without_spaces_is_cut_between_clauses(clause: str, end: str) -> None:
    text = (clause + end) * 40
    each = MAX_SPACELESS_CHARACTERS // len(clause + end) * len(clause + end)  # as many whole clauses as fit
    assert said(text) == [text[start : start + each].strip() for start in range(0, len(text), each)]


def test_a_script_without_spaces_or_clauses_is_cut_at_the_limit() -> None:
    limit = MAX_SPACELESS_CHARACTERS
    assert said("ก" * 5 * limit) == ["ก" * limit] * 5
    assert said("火" * limit + "。" + "水" * 9 + "。") == ["火" * limit, "。", "水" * 9 + "。"]


def test_a_long_quotation_is_cut_at_its_sentences() -> None:
    quoted = [f"This is the sentence with number {number}." for number in range(40)]
    pieces = said(f'He said: "{" ".join(quoted)}" Then he left.')
    assert " ".join(pieces) == f'He said: "{" ".join(quoted)}" Then he left.'
    assert pieces[-1] == "Then he left."
    assert all(len(piece.split()) <= MAX_QUOTATION_WORDS for piece in pieces)
    assert all(piece.endswith(tuple(quoted)) for piece in pieces[:-2])
    assert pieces[-2] == f'{quoted[-1]}"'


@pytest.mark.parametrize("marks", ['""', "“”", "«»", "„“"])
def test_the_marks_of_a_long_quotation_stay_with_its_first_and_last_sentence(marks: str) -> None:
    one, two = " ".join(["one"] * 50) + ".", "Two " * 50 + "end."
    before, after = "He said something.", "Then he left."
    assert said(f"{before} {marks[0]}O{one} {two}{marks[1]} {after}") == [
        before,
        f"{marks[0]}O{one}",
        f"{two}{marks[1]}",
        after,
    ]


def test_a_paragraph_of_small_letters_takes_no_endless_time() -> None:
    pieces = said("(a. " * 50_000)
    assert "".join(pieces).replace(" ", "") == "(a." * 50_000


# Invariants, over texts that are made of what divides sentences

MARKS = [". ", "? ", "! ", "... ", '"', "“", "”", "«", "»", "„", " — ", ", ", "(", ")", "\n\n", "\n", "。", "U.S. "]
WORDS = [
    "The",
    "word",
    "said",
    "Mr. ",
    "5 p.m. ",
    "Он",
    "сказал",
    "г. ",
    "中国",
    "MOSCOW, May 9. ",
    "/TASS/. ",
    " ",
    "\u00a0",
    "x" * 400,
]
PIECES = st.lists(st.sampled_from(MARKS + WORDS) | st.text(max_size=5), max_size=60).map("".join)


def spread(text: str) -> str:
    return "".join(text.split())


@given(text=PIECES)
def test_sentences_cover_the_text_in_order_and_do_not_cross_paragraphs(text: str) -> None:
    spans = sentences(article(text))
    end = 0
    for span in spans:
        sentence = text[span.start : span.end]
        assert span.article_id == "id"
        assert end <= span.start < span.end <= len(text)
        assert not text[end : span.start].strip()
        assert sentence == sentence.strip()
        assert "\n" not in sentence
        assert len(sentence) <= MAX_SENTENCE_CHARACTERS
        end = span.end
    assert not text[end:].strip()


@given(text=PIECES)
def test_passages_are_the_sentences_in_groups(text: str) -> None:
    spans = sentences(article(text))
    passages = split(article(text), spans)
    assert [span for passage in passages for span in passage] == spans
    assert all(passages)


@given(count=st.integers(1, 400), words=st.integers(1, 30))
def test_passages_of_like_sentences_have_like_lengths(count: int, words: int) -> None:
    sentence = " ".join(["word"] * words) + "."
    text = " ".join([sentence] * count)
    spans = [Span("id", start, start + len(sentence)) for start in range(0, len(text), len(sentence) + 1)]
    passages = split(article(text), spans)
    lengths = [words * len(passage) for passage in passages]
    assert sum(lengths) == count * words
    assert max(lengths) <= 1.5 * PASSAGE_WORDS
    assert max(lengths) - min(lengths) <= 2 * words
    assert len(passages) == -(-count * words // PASSAGE_WORDS)


def test_a_passage_is_about_as_long_as_a_model_reads() -> None:
    text = "\n\n".join(["Eight words are in this sentence of ours."] * 30)  # 240 words: three passages of 80
    spans = sentences(article(text))
    assert split(article(text), spans) == [spans[:10], spans[10:20], spans[20:]]


def test_chinese_characters_count_as_words() -> None:
    text = "今天天气很好我们去公园吧。" * 20  # 12 characters each: 240 words
    spans = sentences(article(text))
    assert said(text) == ["今天天气很好我们去公园吧。"] * 20
    assert split(article(text), spans) == [spans[:7], spans[7:13], spans[13:]]
