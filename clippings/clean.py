"""The article in the text of a page: its characters made safe, its paragraphs whole, the site's furniture gone."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from clippings.headline import (
    SENTENCE_END,
    SPACELESS,
    dateline,
    find_head,
    has_text,
    is_date_line,
    words,
)
from clippings.records import Article, Page

# Lengths in words. A line's worth is what it adds to a run: its length where it is prose, less than nothing elsewhere.
# Tuned on half of 91 pages of article-extraction-benchmark; benchmarks/cleaning.py reports both halves.
PROSE = 5  # a line that ends a sentence is prose from here on
LONG = 20  # any line is
MOST = 100  # that a line can add, so that no page copied into one hidden line outweighs the article
SHORT = -6  # a line that is neither prose nor furniture: a few sub-headings do not end a run, a menu does
NOTICE = -15  # sentences about cookies, newsletters and rights
ASIDE = -8  # furniture that also stands inside stories: advertisements, credits, links to others
FURNITURE = -20
FEED = -60  # "Comments", "Most popular": prose follows, but not the article's
SAVED_PAGE = 3  # lines of furniture; with fewer the text counts as clean, and only those lines are dropped
LINE = 15  # a longer line is no furniture, even where it begins like some
DATELINE_LINES = 3  # a dateline opens the story, beneath a deck or two
HEAD = 15  # lines above the story among which the headline is looked for

WRAP_WIDTHS = range(40, 101)  # characters: where programs break lines; verses are shorter, paragraphs longer
WRAPPED = 0.3  # of the line breaks in a wrapped text are in mid-sentence before a small letter; in others hardly any
RAGGED = 6  # characters that a full line may fall short of the width

ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")  # what colours a terminal
UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
# Persian, the scripts of India and emoji need their joiners; between other characters they only hide.
JOINING = r"[\u0590-\u1fff\u2100-\U0010ffff]"
JOINER = re.compile(rf"(?<!{JOINING})[\u200c\u200d]|[\u200c\u200d](?!{JOINING})")
GLUED = re.compile(rf"[{SPACELESS}\u3000-\u303f\uff00-\uffef]")  # with the marks that are as wide as their letters
BULLET = re.compile(r"(?:[•·▪◦‣*»–—-]|\d+[.)])\s")
EDGE = " •·»«›|:×>"  # what may stand around a line of furniture

# What sites write around articles, in the languages of many; it must be the whole line.
PHRASE = re.compile(
    r"""
    (all|breaking|local|other)[ ](news|stories|articles|topics|videos)|home([ ]?page)?|menu|search|close|print|help
    |(log|sign)[ -]?(in|up|out|on)([ ](with|to)[ ].+)?|login|register|my[ ]account|subscribe([ ](now|to[ ].+))?
    |tweet|e-?mail|copy[ ]link|copied!?|reprints?|follow[ ]us([ ]on[ ].+)?
    |facebook|twitter|instagram|youtube|linkedin|pinterest|reddit|tumblr|whatsapp|telegram|flipboard|rss([ ]feeds?)?
    |skip[ ]to[ ].+|back[ ]to[ ](top|gallery|home)|(load|show|view)[ ](more|all)([ ]\w+)?
    |about([ ]us)?|contact([ ]us)?|careers|site[ ]?map|advertis(e|ing)([ ]with[ ]us)?|newsletters?
    |(privacy|cookies?)[ ](policy|notice|settings)|terms([ ](of|and|&)[ ](use|service|conditions))?|legal[ ]notices?
    |podcasts?|tags|topics|(tags|topics|filed[ ]under|source):[ ].*
    |(last[ ])?updated(:|[ ](on|at))?[ ].*\d.*
    |войти|вход|регистрация|подписаться|подписка([ ]на[ ].+)?|меню|поиск|главная|все[ ]новости|контакты
    |(новости|материалы)[ ](по[ ]теме|дня)|(теги|источник):.*
    |вконтакте|одноклассники|о[ ](нас|проекте|компании)|политика[ ]конфиденциальности
    |anmelden|abonnieren|startseite|impressum|datenschutz(erklärung)?|mehr[ ]zum[ ]thema|kontakt
    |s['’]abonner|connexion|se[ ]connecter|accueil|mentions[ ]légales
    |iniciar[ ]sesión|suscr[íi]b(ete|irse)|inicio|contacto
    |entrar|assine|início|contato|accedi|abbonati
    |登录|注册|首页|分享|相关(阅读|新闻)
    |ログイン|関連記事|تسجيل[ ]الدخول|الرئيسية
    """,
    re.VERBOSE | re.IGNORECASE,
)
INSIDE = re.compile(
    r"""
    advert(isements?)?|sponsored([ ]content)?|share|share[ ](this|on|via|with)[ ].*|(read|see)[ ](more|also|next):?
    |(related|(read|see)[ ](more|also|next)):[ ].*|реклама|поделиться([ ].+)?|(читайте|смотрите)[ ](также|ещё|еще)(:.*)?
    |anzeige|werbung|teilen|lesen[ ]sie[ ]auch:.*|publicité|partager|(à[ ])?lire[ ]aussi([ ]?:.*)?
    |publicidad|compartir|(lea|leer|ver)[ ]también(:.*)?|publicidade|compartilhar|(leia|veja)[ ](também|mais)(:.*)?
    |pubblicità|condividi|leggi[ ]anche(:.*)?|广告|إعلان
    """,
    re.VERBOSE | re.IGNORECASE,
)
FEED_LINE = re.compile(
    r"""
    ((\d+|post|leave|add|view|write|read)[ ](a[ ]|all[ ])?)?comments?([ ]\(?\d+\)?)?|\d+[ ]responses?[ ]to[ ].*
    |leave[ ]a[ ](reply|comment).*|do[ ]you[ ]want[ ]to[ ]leave[ ]a[ ]comment\b.*|join[ ]the[ ](conversation|discussion)
    |(recommended|most[ ](popular|read|viewed)|trending|related|latest|top|more)
     ([ ](news|stories|articles|posts|videos|now|for[ ]you))?|you[ ](may|might)[ ]also[ ]like.*
    |обсуждение|комментари[ий]([ ]\(?\d+\)?)?|kommentare|commentaires|comentarios|commenti|评论|コメント|التعليقات
    """,
    re.VERBOSE | re.IGNORECASE,
)
RIGHTS = re.compile(
    r"©|\(c\) |all rights reserved|все права защищены|alle rechte vorbehalten|tous droits réservés|版权所有"
    r"|derechos reservados|direitos reservados",
    re.IGNORECASE,
)
CREDIT = re.compile(
    r"getty images|shutterstock|\bap photo|^(image|photo|photograph|picture)s?( source| copyright| credit)?( by\b|:)"
    r"|^image (copyright|caption)\b|^фото:",
    re.IGNORECASE,
)
NOTICE_WORDS = re.compile(
    r"\bcookies?\b|newsletter|\bsubscri|rights reserved|copyright|privacy policy|terms of (use|service)|e-?mail address"
    r"|\bsign up\b|\blog in\b|файлы cookie|подписк|подпиш|datenschutz|confidentialité|privacidad|隐私",
    re.IGNORECASE,
)
AGO = re.compile(
    r"\b\d+ ?(min(ute)?|h(ou)?r?|day|week|month|year)s? ago\b|\d\d?:\d\d|\b\d+ \w+ назад|\bvor \d+ \w+", re.IGNORECASE
)


@dataclass(frozen=True)
class _Body:
    """Where the article is in a page: its lines, and the lines above them that may hold the headline."""

    above: list[str]  # empty when the page was clean already
    lines: list[str]


def clean(page: Page) -> Article | None:
    """Give the article of a page, or None when the page has no words of its own; an article's text stays as it is."""
    body = _find_body(_paragraphs(page.text))
    if not has_text(body.lines):
        return None
    head = find_head(body.above, body.lines, _one_line(page.title))
    origin = next((found for line in head.text[:DATELINE_LINES] if (found := dateline(line))), None)
    article = Article(
        id="",
        title=head.title,
        text="\n\n".join(head.text),
        path=page.path,
        url=page.url,
        outlet=page.outlet or (origin.agency if origin else None),
        author=page.author or head.author,
        published=page.published or (origin.published if origin else None) or head.published,
        dateline=origin.text if origin else None,
    )
    return replace(article, id=content_id(article))


def content_id(article: Article) -> str:
    """Give the same 16 hexadecimal digits wherever and whenever the same article is read."""
    published = article.published and article.published.isoformat()
    content = [article.title, article.text, article.url, article.outlet, article.author, published, article.dateline]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _find_body(lines: Sequence[str]) -> _Body:
    """Find the lines with the most prose and the least furniture in a row; all of a text that has hardly any furniture.

    Maximum subsequence segmentation (Pasternack and Roth, WWW 2009), over lines instead of words, and without training.
    """
    furniture = [_is_furniture(line) for line in lines]
    if sum(furniture) < SAVED_PAGE:
        kept = [line for line, drop in zip(lines, furniture, strict=True) if not drop]
        return _Body([], kept if has_text(kept) else list(lines))
    start = stop = begun = most = total = 0
    for place, line in enumerate(lines):
        total += _worth(line)
        if total <= 0:
            begun, total = place + 1, 0
        elif total > most:
            start, stop, most = begun, place + 1, total
    if not most:  # nothing looks like prose: a list, a table, a script that none of these signs know
        start, stop = 0, len(lines)
    kept = [line for line in lines[start:stop] if not _is_furniture(line) and not _is_mark(line)]
    above = lines[max(0, start - HEAD) : start]
    above = [line for line in above if not _is_furniture(line) and (not _is_mark(line) or is_date_line(line))]
    return _Body(above, kept)


def _worth(line: str) -> int:
    """Give what a line adds to a run, in words."""
    length = words(line)
    if FEED_LINE.fullmatch(line.strip(EDGE)):
        return FEED
    if _is_aside(line):
        return ASIDE
    if _is_furniture(line) or _is_mark(line) or (length <= LINE and AGO.search(line) and not _is_sentence(line)):
        return FURNITURE
    if NOTICE_WORDS.search(line):
        return NOTICE
    if length >= LONG:
        return min(length, MOST)
    if not SENTENCE_END.search(line) or line.endswith(("...", "…")):  # a teaser is cut off
        return SHORT
    return length if length >= PROSE else 0


def _is_furniture(line: str) -> bool:
    """Tell whether a line is one that sites write around articles; a sentence is so only for its rights."""
    if words(line) > LINE:
        return False
    bare = line.strip(EDGE)
    if RIGHTS.search(line) or FEED_LINE.fullmatch(bare) or _is_aside(line):
        return True
    return not _is_sentence(line) and PHRASE.fullmatch(bare) is not None


def _is_aside(line: str) -> bool:
    """Tell whether a line is furniture of the kind that also stands inside stories."""
    if words(line) > LINE or _is_sentence(line):
        return False
    return bool(INSIDE.fullmatch(line.strip(EDGE)) or CREDIT.search(line))


def _is_sentence(line: str) -> bool:
    """Tell whether a line has the length and the end of a sentence."""
    return words(line) >= PROSE and SENTENCE_END.search(line) is not None


def _is_mark(line: str) -> bool:
    """Tell whether a line has no letters, only a counter or a time, or is a web address; a year may be a heading."""
    address = " " not in line and ("://" in line or "www." in line)
    return address or not (any(map(str.isalpha, line)) or re.fullmatch(r"(19|20)\d\d", line))


def _one_line(text: str | None) -> str:
    """Give text without its line breaks and unseen characters."""
    return " ".join(_safe(text or "").split())


def _safe(text: str) -> str:
    """Give text in NFC, with one kind of line break, without the characters that nobody sees and a terminal obeys."""
    before = None
    while before != text:  # what one rule takes out can bring together what another looks for
        before = text
        text = "\n".join(ANSI.sub("", text).splitlines())
        text = JOINER.sub("", UNSEEN.sub("", unicodedata.normalize("NFC", text)))
    return text


def _paragraphs(text: str) -> list[str]:
    """Give the paragraphs of a text, a line each, whether blank lines, line breaks or wrapped lines divide them."""
    lines = [line.expandtabs().rstrip() for line in _safe(text).split("\n")]
    width = _wrap_width(lines)
    joined = [""]
    for above, line in pairwise(["", *lines]):
        if width and _goes_on(above, line) and (_is_full(above, line, width) or _runs_on(above, line)):
            joined[-1] += _join(above, line)
        else:
            joined.append(line)
    return [paragraph for line in joined if (paragraph := " ".join(line.split()))]


def _wrap_width(lines: Sequence[str]) -> int | None:
    """Give the width in characters at which a program broke the lines of a text, or None when none did."""
    pairs = [(above, line) for above, line in pairwise(lines) if _goes_on(above, line)]
    lengths = sorted(map(len, filter(None, lines)))
    if not pairs:
        return None
    width = lengths[round((len(lengths) - 1) * 0.9)]  # an address that no program could break may be longer
    broken = sum(_is_full(above, line, width) and _runs_on(above, line) for above, line in pairs)
    return width if width in WRAP_WIDTHS and broken >= WRAPPED * len(pairs) else None


def _goes_on(above: str, line: str) -> bool:
    """Tell whether nothing in a line's shape makes it begin a paragraph: no blank line above, no indent, no bullet."""
    return bool(above and line) and _indent(line) <= _indent(above) and not BULLET.match(line.lstrip())


def _is_full(above: str, line: str, width: int) -> bool:
    """Tell whether the first word of a line would hardly have fitted on the line above it."""
    first = line.split()[0]
    return len(above) + 1 + (1 if GLUED.match(first) else len(first)) > width - RAGGED


def _runs_on(above: str, line: str) -> bool:
    """Tell whether a sentence goes over the break between two lines."""
    first = line.lstrip()[0]
    return not SENTENCE_END.search(above) and first.isalpha() and not first.isupper()


def _indent(line: str) -> int:
    """Count the spaces that a line begins with."""
    return len(line) - len(line.lstrip())


def _join(above: str, line: str) -> str:
    """Give a line as it follows the one above it: with a space, unless a hyphen or a script has none."""
    line = line.lstrip()
    glued = (GLUED.match(above[-1]) and GLUED.match(line)) or (re.search(r"\w-$", above) and line[0].islower())
    return line if glued else f" {line}"
