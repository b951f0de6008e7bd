"""What clean() keeps and drops, and what it reads at the head of a page."""

import re
import unicodedata
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clippings.clean import _paragraphs, clean
from clippings.headline import dateline
from clippings.records import Article, Page

SHARED = Path(__file__).parents[2] / "shared" / "articles"

STORY = [
    "A fire broke out in the old market of Aksu on Monday night, and firefighters worked until the morning to stop it.",
    "“Nobody was hurt, and that is what counts,” said the head of the town's fire brigade, Marat Omarov.",
    "It spread quickly.",
    "The market's owner promised to rebuild the burnt stalls before winter, at no cost to the traders who rent them.",
]


def article(text: str, **given: object) -> Article:
    found = clean(replace(Page(text=text, path="a.txt"), **given))  # type: ignore[arg-type]
    assert found is not None
    return found


def text_of(text: str, **given: object) -> list[str]:
    return article(text, **given).text.split("\n\n")


# Characters and paragraphs


@pytest.mark.parametrize(
    ("raw", "clean_text"),
    [
        ("\ufeffOne\u00a0two\u200b  three\t four.\r\nFive.\rSix.", "One two three four.\n\nFive.\n\nSix."),
        ("cafe\u0301 \u202ereversed\u202c so\u00adft", "caf\u00e9 reversed soft"),
        ("\x1b[31mred\x1b[0m\x07 \x9b1m alert \ud800.", "red 1m alert ."),
        ("“Quotes” – and ‘dashes’ — stay… «as» 'they' \"are\" - teh spelling too", None),
        ("می‌خواهم بروم. 👩‍🚒", None),
        ("a\u200db\u200cc", "abc"),
    ],
)
def test_characters(raw: str, clean_text: str | None) -> None:
    assert article(raw).text == (raw if clean_text is None else clean_text)


@pytest.mark.parametrize("empty", ["", " \n\t\n", "\ufeff", "* * *\n—\n•", "\x1b[0m"])
def test_no_letter_or_digit_is_no_article(empty: str) -> None:
    assert clean(Page(text=empty, path="a.txt")) is None


def wrapped(text: str, width: int, *, indent: str = "") -> str:
    lines, line = [], indent
    for word in text.split():
        if len(line) + len(word) + 1 > width:
            lines.append(line)
            line = word
        else:
            line += word if line in ("", indent) else f" {word}"
    return "\n".join([*lines, line])


@pytest.mark.parametrize("width", [50, 62, 76, 98])
def test_wrapped_lines_become_paragraphs(width: int) -> None:
    assert text_of("\n\n".join(wrapped(line, width) for line in STORY), title="Fire") == STORY
    assert text_of("\n".join(wrapped(line, width, indent="  ") for line in STORY), title="Fire") == STORY


def test_wrapped_chinese_is_joined_without_spaces() -> None:
    story = (
        "周一晚间老市场发生火灾消防员一直工作到早晨才将大火扑灭所幸没有人员伤亡市长表示将在冬天之前重建被烧毁的摊位" * 2
    )
    assert text_of("\n".join(story[i : i + 44] for i in range(0, len(story), 44)), title="火灾") == [story]


def test_a_paragraph_a_line_stays_so() -> None:
    assert text_of("\n".join(STORY), title="Fire") == STORY
    assert text_of("\n\n".join(STORY), title="Fire") == STORY


def test_poems_and_lists_are_not_joined() -> None:
    poem = ["The steppe is wide, the night is long,", "the rider sings a quiet song,", "and far away", "the dogs reply"]
    assert text_of("\n".join(poem), title="Rider") == poem
    shopping = ["Take with you:", "- two litres of water", "- a warm coat", "1. a map of the region", "2. some bread"]
    assert text_of("\n".join([*STORY, *shopping]), title="Fire") == [*STORY, *shopping]


# Furniture

MENU = ["Log in", "Subscribe", "News", "Business", "Sport", "Opinion", "Weather", "12 345", "•", "Facebook", "Telegram"]
FEED = [
    "3 Comments",
    "aidar_77",
    "13.01.2022 19:42",
    "I was there that night and it was much worse than they say, believe me, the whole street was in smoke.",
    "Most popular",
    "Minister promises that the price of bread will not rise before the spring",
    "2 hours ago",
    "Why do so many young people leave the villages of the north for the capital every year?",
    "Privacy policy",
    "© 2022 Aksu News. All rights reserved.",
]


def test_furniture_goes_and_the_story_stays() -> None:
    headline, deck = (
        "Fire destroys the old market of Aksu",
        "The traders were promised new stalls before the winter comes",
    )
    credit = "Image source: © Aksu News / Aigul Seitova"
    page = [*MENU, headline, "4138", "0", credit, deck, *STORY[:2], "Advertisement", "How it began", *STORY[2:], *FEED]
    found = article("\n".join(page))
    assert found.title == headline
    assert found.text.split("\n\n") == [deck, *STORY[:2], "How it began", *STORY[2:]]


def test_russian_furniture() -> None:
    story = [
        "В понедельник ночью на старом рынке города Аксу вспыхнул пожар, и пожарные работали до самого утра.",
        "«Никто не пострадал», — сказал начальник пожарной части Марат Омаров.",
    ]
    page = ["Войти", "Все новости", "Пожар уничтожил старый рынок в городе Аксу", "Фото: РИА Новости", *story]
    page += [
        "Поделиться",
        "Обсуждение",
        "• 23.01 19:42",
        "• 2",
        "Суд арестовал деньги бывшего министра",
        "Читайте также",
    ]
    found = article("\n".join(page))
    assert (found.title, found.text.split("\n\n")) == (page[2], story)


@pytest.mark.parametrize(
    "line",
    [
        "Войти",
        "• Log in",
        "Read also: Market burns",
        "12 comments",
        "© РИА Новости / POOL",
        "Share on Facebook",
        "登录",
    ],
)
def test_furniture_lines(line: str) -> None:
    assert text_of("\n\n".join([*STORY, line]), title="Fire") == STORY


@pytest.mark.parametrize(
    "line",
    [
        "Share this with nobody, he told her.",
        "Home prices fell",
        "Getty Images said on Monday that it would sue the company.",
        "About 40 people were hurt",
        "Comments by the minister angered the traders.",
        "“Help us.”",
        "Source close to the talks denies it",
        "The search",
        "Contact with the crew was lost at noon.",
        "Нет.",
    ],
)
def test_prose_is_no_furniture(line: str) -> None:
    assert text_of("\n\n".join([*STORY, line]), title="Fire") == [*STORY, line]


@pytest.mark.parametrize(
    "lines",
    [
        ["Fire in Almaty. Two hurt."],
        ["“Yes.”", "“No.”"],
        ["Пожар в Алматы.", "Двое ранены."],
        ["阿拉木图发生火灾，两人受伤。", "警方正在调查。"],
        ["اندلع حريق في ألماتي.", "أصيب شخصان."],
        ["Who?", "What?", "2014", "Where we stand"],
        ["Aksu 3", "Kentau 1", "5040", "27"],
        ["Menu", "Home"],  # nothing else is there, so it is kept
        [*STORY, "Recipe", "200 g flour", "2 eggs", "1", "Facebook users", "Salt"],
    ],
)
def test_clean_text_is_kept(lines: list[str]) -> None:
    assert text_of("\n\n".join(lines), title="Another title") == lines


def test_a_page_without_prose_is_kept_but_for_its_furniture() -> None:
    assert text_of("\n".join([*MENU, "Aksu 3", "Kentau 1"]), title="Results")[-2:] == ["Aksu 3", "Kentau 1"]


@pytest.mark.parametrize(
    "lines",
    [
        ["Home", "Menu", "Log in", "Search", "Subscribe"],
        ["Войти", "Все новости", "Поделиться"],
        [*MENU[:2], "Privacy policy", "12 345", "https://aksu.example/news", "•"],
    ],
)
def test_a_page_of_nothing_but_furniture_is_no_article(lines: list[str]) -> None:
    assert clean(Page(text="\n".join(lines), path="a.txt", title="Aksu News")) is None
    assert text_of("\n".join([*lines, "Bread is dearer."]), title="Aksu News") == ["Bread is dearer."]


@pytest.mark.parametrize("piece", ["://", "www.", "1", "!"])
def test_a_long_line_takes_no_endless_time(piece: str) -> None:
    line = piece * 100_000 + " and what follows it"
    assert article(line).text == line
    assert text_of("\n\n".join([*MENU, line, *STORY]), title="Fire")[-len(STORY) :] == STORY


# Title


def test_the_pages_title_wins_and_its_repetition_goes() -> None:
    found = article("\n".join(["Fire in the OLD market!", *STORY]), title="Fire in the old market")
    assert (found.title, found.text.split("\n\n")) == ("Fire in the old market", STORY)
    assert text_of("Fire in the old market", title="Fire in the old market") == ["Fire in the old market"]


def test_a_headline_and_its_deck() -> None:
    found = article("\n".join(["Market fire in Aksu: nobody hurt", "The fire brigade worked all night", *STORY]))
    assert found.title == "Market fire in Aksu: nobody hurt"
    assert found.text.split("\n\n") == ["The fire brigade worked all night", *STORY]


def test_without_a_headline_the_first_sentence_is_the_title() -> None:
    found = article("\n".join(STORY))
    assert (
        found.title == "A fire broke out in the old market of Aksu on Monday night, and firefighters worked until the…"
    )
    assert found.text.split("\n\n") == STORY
    assert article("Mr. A. Omarov spoke. Nobody heard him.").title == "Mr. A. Omarov spoke."
    assert article("阿拉木图发生火灾。两人受伤。").title == "阿拉木图发生火灾。"


@pytest.mark.parametrize(
    ("line", "author"),
    [
        ("By Lena Strand", "Lena Strand"),
        ("BY LENA STRAND", "LENA STRAND"),
        ("By J.-P. O’Neill de la Cruz, Staff Writer", "J.-P. O’Neill de la Cruz"),
        ("By Lena Strand in New York", "Lena Strand"),
        ("By Lena Strand, Marat Omarov and Ida Holm | Aksu Gazette", "Lena Strand, Marat Omarov and Ida Holm"),
        ("By Łukasz Ślusarski and Élise Čapek", "Łukasz Ślusarski and Élise Čapek"),
        ("By Lena Strand, Kyiv Post", "Lena Strand"),
        ("By Lena Strand, Chief Political Correspondent", "Lena Strand"),
        ("By Lena Strand, Political Editor", "Lena Strand"),
        ("By Lena Strand\nBy Marat Omarov", "Lena Strand, Marat Omarov"),
    ],
)
def test_a_byline_is_no_text(line: str, author: str) -> None:
    headline = "Market fire in Aksu: nobody hurt"
    for page in ([headline, line, *STORY], [*MENU, headline, line, *STORY, *FEED]):
        found = article("\n".join(page))
        assert (found.title, found.author, found.text.split("\n\n")) == (headline, author, STORY)
    assert article("\n".join([line, *STORY]), title=headline).author == author
    assert article("\n".join([headline, line, *STORY]), author="Ida Holm").author == "Ida Holm"


def test_a_deck_above_a_byline_is_text() -> None:
    deck = "The fire brigade worked all night and found nobody in the burnt stalls"
    found = article("\n".join([*MENU, "Market fire in Aksu: nobody hurt", deck, "By Lena Strand", *STORY, *FEED]))
    assert (found.author, found.text.split("\n\n")) == ("Lena Strand", [deck, *STORY])


@pytest.mark.parametrize(
    "line",
    [
        "By Monday night",
        "By Lena Strand's count, two.",
        "By Aksu Market, it stopped.",
        "By Friday Night, fifty homes lay in ruins",
        "By Lena, two",
    ],
)
def test_what_is_no_byline(line: str) -> None:
    found = article("\n".join(["Market fire in Aksu: nobody hurt", line, *STORY]))
    assert (found.author, found.text.split("\n\n")) == (None, [line, *STORY])


def test_a_headline_may_look_like_a_byline() -> None:
    assert article("\n".join(["By Train Through Aksu", *STORY]), title="By Train Through Aksu | Gazette").author is None
    found = article("\n".join(["By Train Through Aksu", *STORY]))
    assert (found.author, found.text.split("\n\n")[-len(STORY) :]) == (None, STORY)
    assert "By Train Through Aksu" in (found.title, found.text.split("\n\n")[0])


# Dateline, agency, date


@pytest.mark.parametrize(
    ("opening", "text", "agency", "published"),
    [
        ("MOSCOW, January 13. /tass/. The president", "MOSCOW, January 13", "TASS", None),
        ("NUR-SULTAN, January 12. /TASS/. The president", "NUR-SULTAN, January 12", "TASS", None),
        ("МОСКВА, 13 января. /ТАСС/. Президент", "МОСКВА, 13 января", "ТАСС", None),
        ("ALMATY, January 13, 2022. /Steppe Wire/. A", "ALMATY, January 13, 2022", "Steppe Wire", date(2022, 1, 13)),
        ("BERLIN, March 3 (Reuters) - The chancellor", "BERLIN, March 3", "Reuters", None),
        ("LONDON (AP) — The queen", "LONDON", "AP", None),
        ("WASHINGTON, D.C. (AP) — The senate", "WASHINGTON, D.C.", "AP", None),
        ("Almaty, Jan. 5, 2022 (Reuters) - Troops", "Almaty, Jan. 5, 2022", "Reuters", date(2022, 1, 5)),
        ("KYIV, 9 May 2022 — The city", "KYIV, 9 May 2022", None, date(2022, 5, 9)),
        ("MOSCOW. Jan 13 (Interfax) - The president", "MOSCOW. Jan 13", "Interfax", None),
        ("Москва. 13 января. INTERFAX.RU - Президент", "Москва. 13 января", "INTERFAX.RU", None),
        ("NUR-SULTAN. January 13. KAZINFORM - The", "NUR-SULTAN. January 13", "KAZINFORM", None),
        (
            "NUR-SULTAN. January 13, 2022. /KAZINFORM/ The",
            "NUR-SULTAN. January 13, 2022",
            "KAZINFORM",
            date(2022, 1, 13),
        ),
        ("НУР-СУЛТАН. КАЗИНФОРМ – Президент", "НУР-СУЛТАН", "КАЗИНФОРМ", None),
        ("МОСКВА, 13 янв - РИА Новости. Президент", "МОСКВА, 13 янв", "РИА Новости", None),
        ("KYIV (Kyiv Post). The president", "KYIV", "Kyiv Post", None),
    ],
)
def test_datelines(opening: str, text: str, agency: str | None, published: date | None) -> None:
    line = f"{opening} said on Monday that the fire in the old market had been put out within hours."
    found = article(f"Fire in the old market is out\n{line}")
    assert (found.dateline, found.outlet, found.published) == (text, agency, published)
    assert found.text == line
    assert article(line, outlet="Ours").outlet == "Ours"


@pytest.mark.parametrize(
    "opening",
    [
        "Ivan Petrov (ODKB) - a general",
        "NATO (founded in 1949) is",
        "On January 13, 2022, the president",
        "Moscow — the capital",
        "NATO — an alliance",
        "Putin and/or Lavrov will",
        "In May. /sic/. He",
        "IT WAS LATE. He slept",
        "IT WAS LATE. At 5 NATO - he slept",
        "It was late. NATO - he slept",
        "Moscow. January 13. He slept",
        "KYIV — The city",
        "NASA - ESA - a mission",
    ],
)
def test_what_is_no_dateline(opening: str) -> None:
    assert dateline(f"{opening} and so on until the end of it.") is None


@pytest.mark.parametrize(
    ("line", "day"),
    [
        ("Published: 13 January 2022, 15:40", date(2022, 1, 13)),
        ("Thursday, Jan. 13th, 2022", date(2022, 1, 13)),
        ("13 января 2022 года", date(2022, 1, 13)),
        ("2022-01-13T15:40:00Z", date(2022, 1, 13)),
        ("13.01.2022 15:40", date(2022, 1, 13)),
        ("2022年1月13日", date(2022, 1, 13)),
        ("31.02.2022", None),
        ("01/13/2022", None),
        ("January 13", None),
        ("January 2022", None),
        ("23.01 19:42", None),
        ("may 2022 be good", None),
    ],
)
def test_full_dates(line: str, day: date | None) -> None:
    found = article("\n\n".join(["Fire destroys the old market of Aksu", line, *STORY]))
    assert (found.title, found.published) == ("Fire destroys the old market of Aksu", day)


def test_a_date_line_at_the_head_gives_the_date_and_goes() -> None:
    headline = "Fire destroys the old market of Aksu"
    found = article("\n".join([headline, "Updated on 15 January 2022", "13 January 2022", *STORY]))
    assert (found.title, found.published, found.text.split("\n\n")) == (headline, date(2022, 1, 13), STORY)
    found = article("\n".join(["13 January 2022, 15:40", *STORY]), title=headline)
    assert (found.published, found.text.split("\n\n")) == (date(2022, 1, 13), STORY)
    deck = "The traders were promised new stalls before the winter comes"
    for line in ("13.01.2022 15:40", "Published: 13 January 2022, 15:40"):
        found = article("\n".join([*MENU, headline, deck, line, *STORY, *FEED]))
        assert (found.title, found.published, found.text.split("\n\n")) == (headline, date(2022, 1, 13), [deck, *STORY])
    assert article("\n".join([headline, "Updated on 15 January 2022", *STORY])).published is None
    given = article("\n".join([headline, "13 January 2022", *STORY]), published=date(2020, 2, 2))
    assert given.published == date(2020, 2, 2)


def test_dates_that_head_a_chronicles_paragraphs_stay() -> None:
    chronicle = ["2 January 2022", STORY[0], "5 January 2022", STORY[3]]
    found = article("\n".join(chronicle), title="A chronicle")
    assert (found.published, found.text.split("\n\n")) == (None, chronicle)


# The whole


def test_what_the_page_says_is_carried_over() -> None:
    page = Page("It rained.", "a.txt", "Rain", "https://a.example/1", "The Aksu News", "A. Writer", date(2022, 1, 13))
    found = clean(page)
    assert found is not None
    assert replace(found, id="") == Article(
        "", "Rain", "It rained.", "a.txt", page.url, page.outlet, page.author, page.published, None
    )


def test_the_id_is_of_the_content() -> None:
    page = Page("It rained.", "a.txt", "Rain")
    ids = [
        clean(other).id  # type: ignore[union-attr]
        for other in (
            page,
            replace(page, path="b.txt"),
            replace(page, title="Rain."),
            replace(page, url="https://a.example"),
            replace(page, outlet="N"),
            replace(page, author="N"),
            replace(page, published=date(2022, 1, 13)),
        )
    ]
    assert re.fullmatch("[0-9a-f]{16}", ids[0])
    assert ids[0] == ids[1]
    assert len(set(ids)) == len(ids) - 1


PIECES = st.sampled_from(
    [
        *STORY,
        *MENU,
        *FEED,
        "13 January 2022",
        "Fire destroys the old market of Aksu",
        "LONDON (AP) — It rained.",
        "",
        "  a",
        "2014",
    ]
)
LINES = st.lists(PIECES | st.text(max_size=30), max_size=25)


@settings(deadline=None)
@given(LINES, st.sampled_from(["\n", "\n\n"]), st.none() | PIECES)
def test_cleaning_again_changes_nothing(lines: list[str], break_: str, title: str | None) -> None:
    once = clean(Page(text=break_.join(lines), path="a.txt", title=title))
    if once is None:
        assert not set(STORY) & set(lines)
        return
    again = clean(
        Page(
            text=once.text,
            path="a.txt",
            title=once.title,
            outlet=once.outlet,
            published=once.published,
        )
    )
    assert again is not None
    assert again.text == once.text
    assert again.title == once.title


@settings(deadline=None)
@given(LINES)
def test_text_is_safe_and_made_of_the_pages_own_words(lines: list[str]) -> None:
    found = clean(Page(text="\n".join(lines), path="a.txt"))
    if found is None:
        return
    for paragraph in found.text.split("\n\n"):
        assert paragraph == " ".join(paragraph.split())
    for char in found.title + found.text:
        assert char == "\n" or unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp"}
    everything = "".join("".join(_paragraphs("\n".join(lines))).split())
    assert all("".join(paragraph.split()) in everything for paragraph in found.text.split("\n\n"))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the five source articles are not beside this checkout")
def test_the_source_articles() -> None:
    expected = {
        "000": (
            "Putin said that the CSTO peacekeeping forces have completed the task in Kazakhstan",
            "MOSCOW, January 13",
        ),
        "001": (
            "Russian President Vladimir Putin on Thursday, January 13, during a working meeting with Russian…",
            None,
        ),
        "002": (
            "Organized pullout of CSTO contingent from Kazakhstan to begin on January 13, Tokayev says",
            "NUR-SULTAN, January 12",
        ),
        "003": (
            "Solemn march dedicated to the completion of the operation of the CSTO peacekeepers in Kazakhstan.",
            None,
        ),
        "004": (
            "Putin has no plans yet to meet with Russian peacekeepers back from Kazakhstan — Kremlin",
            "MOSCOW, January 18",
        ),
    }
    for path in sorted(SHARED.glob("*.txt")):
        raw = path.read_text(encoding="utf-8")
        found = article(raw)
        title, line = expected[path.name[:3]]
        assert (found.title, found.dateline, found.outlet, found.published) == (title, line, line and "TASS", None)
        lines = [" ".join(each.split()) for each in raw.splitlines() if each.strip()]
        if path.name.startswith("000"):  # Putin's deck and what follows it, up to the rights notice
            start, end = (
                lines.index("Image source: © РИА Новости / POOL"),
                lines.index("The rights to this material belong to"),
            )
            lines = lines[start + 1 : end]
        assert found.text.split("\n\n") == [each for each in lines if each not in (title, "All news")]
