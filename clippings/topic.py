"""What a request asks for: "the flood" of "Can you tell me about the flood?"."""

import re

LONGEST = 1000  # characters; what is longer was pasted and is no request
WHO = r"(?!(?-i:WHO\b.*[a-z]))who"  # the WHO asks nothing, unless all is in capitals
QUESTION_WORD = rf"(?:{WHO}|whom|whose|what|which|when|where|why|how)\b"
NEWS = "(?:news|info(?:rmation)?|details|articles|stories|reports|summary|overview|updates?)"
SOME = "(?:(?:a|an|any|all|some|more|the|latest|recent|short|brief) )*"
MUCH = "(?:(?:more|something|anything|everything|all) )?"
BEGINS = (
    r"""[^\w"“”„«‘]*(?:(?:please|hi|hello|hey|ok|so)\b\W+)*"""
    r"(?:(?:can|could|would|will) you (?:please )?|i(?:['’]d| would) like (?:you )?to |i want (?:you )?to )?"
)
BEFORE_A_TOPIC = (  # English, and what begins otherwise is a question or a topic already
    f"(?:tell|remind|inform|update) (?:me|us) {MUCH}(?:about|of|on)",
    f"(?:do you )?(?:know|learn|read|hear|have) {MUCH}about",
    f"(?:give|show|find|get) (?:(?:me|us) )?{SOME}(?:{NEWS} (?:about|of|on|from)|latest (?:about|on|from))",
    f"(?:summari[sz]e|describe|explain)(?: to (?:me|us))?(?: {SOME}{NEWS} (?:about|of|on|from))?",
    f"what(?:['’]s| is| are) (?:new|happening|going on|the (?:news|latest(?: {NEWS}| developments)?))"
    " (?:about|in|on|with|from)",
    f"(?:(?:is|are) there |do you have )?{SOME}(?:news|information|articles|updates?) (?:about|on)",
    "what (?:do|does|can|did) (?:we|you|the articles|the news|(?:these|your) articles)"
    " (?:know|say|tell (?:me|us)|have) (?:about|on)",
)
BEFORE_A_QUESTION = r"(?:(?:tell|remind) (?:me|us)|(?:do you )?know|find out|explain(?: to (?:me|us))?)"
ENDS = r"(?:[\s,]+(?:please|thanks|thank you))?(?:(?<=[^\W_]{2})\.)?[\s?!]*"  # not the full stop of "the U.S."
REQUEST = re.compile(
    (
        f"{BEGINS}(?:{BEFORE_A_QUESTION} (?P<question>(?:whether|if|{QUESTION_WORD}).*?)"
        rf"|(?:{'|'.join(BEFORE_A_TOPIC)}) (?P<topic>.*?[^\W_].*?){ENDS})"
    ).replace(" ", r"\s+"),
    re.IGNORECASE | re.DOTALL,
)


def topic(question: str) -> str:
    """Give a request without the words that make it one, and any other question as it is."""
    while len(question) <= LONGEST and (match := REQUEST.fullmatch(question)):
        question = match["question"] or match["topic"]
    return question
