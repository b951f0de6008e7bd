"""What a request asks for: "the flood" of "Can you tell me about the flood?"."""

import re

QUESTION_WORD = r"(?:who|whom|whose|what|which|when|where|why|how)\b"
REQUEST = re.compile(  # English, and what begins otherwise is a question or a topic already
    rf"""\W*(?:(?:please|hi|hello|hey|ok|so)\b\W+)*
    (?:(?:can|could|would|will)\ you\ (?:please\ )?|i(?:['’]d|\ would)\ like\ (?:you\ )?to\ |i\ want\ (?:you\ )?to\ )?
    (?:
        (?:
            (?:tell|remind|inform|update)\ (?:me|us)\ (?:(?:more|something|everything|all)\ )?(?:about|of|on)
            |(?:give|show|find)\ (?:me|us)\ (?:(?:a|an|any|all|some|more|the|latest)\ )*
                (?:news|information|details|articles|stories|summary|overview|update)\ (?:about|of|on)
            |(?:know|learn|read|hear)\ (?:(?:more|something|everything|all)\ )?about
            |(?:summari[sz]e|describe)(?:\ (?:the\ )?(?:news|articles|stories)\ (?:about|of|on))?
            |what(?:['’]s|\ is|\ are)\ (?:new|(?:the\ )?latest(?:\ (?:news|developments?|updates?))?)
                \ (?:about|in|on|with)
            |(?:(?:is|are)\ there\ |do\ you\ have\ )?(?:(?:any|the|latest|more)\ )*(?:news|information)\ (?:about|on)
            |what\ (?:do|does|can|did)\ (?:we|you|the\ (?:articles|news)|(?:these|your)\ articles)
                \ (?:know|say|tell\ (?:me|us)|have)\ (?:about|on)
        )
        |(?:(?:tell|remind)\ (?:me|us)|do\ you\ know|know|find\ out|explain)
            (?=\ (?:to\ me\ )?{QUESTION_WORD})(?:\ to\ me)?
    )\s+(?P<topic>.*[^\W_].*?)[\s?.!]*""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)


def topic(question: str) -> str:
    """Give a request without the words that make it one, and any other question as it is."""
    match = REQUEST.fullmatch(question)
    return match["topic"] if match else question
