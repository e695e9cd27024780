"""Clear past and future forms in English captions. Precision first: participles and adjectives pass.

Knows word lists and neighbours; nothing of stories.
"""

from __future__ import annotations

import re


def _one_of(words: str) -> str:
    return "(?:" + "|".join(words.split()) + ")"


_IRREGULAR = _one_of("""
    was were went came ran sat slept ate took gave began knew said became flew woke spoke rode wrote swam sang
    drank threw grew drew fled crept swung leapt climbed smiled laughed whispered
    walked jumped wandered
    """)
"""Past forms that are no common adjective or participle of captions."""
_REGULAR = _one_of("""
    looked stepped waited watched arrived stopped opened entered reached started decided continued asked danced played
    nodded followed returned rushed hurried noticed wanted seemed happened turned pulled pushed cried called lifted
    saw stood found left lost felt met had did made held kept fell got thought heard
    told caught brought bought taught slid
    """)
"""Past forms that may also be participles: they count only right behind a subject's name."""
_MANNER = r"(?:(?:\w+ly|then|soon|never|also|just) )?"
_DETERMINED = r"(?<!\ba )(?<!\ban )(?<!\bthe )(?<!\bof )(?<!\bbeing )(?<!\bbeen )(?<!\bhas )(?<!\bhave )"
_PAST = re.compile(rf"(?<![\w-]){_DETERMINED}({_IRREGULAR})(?![\w-])(?! by\b)")
_FUTURE = re.compile(
    r"(?<![\w-])(?<!\ba )(?<!\ban )(?<!\bthe )(?<!\bfree )(?<!\bstrong )(?<!\biron )(?<!\bown )(?<!\bof )"
    r"(will(?: not| never| soon| then| now)? (?!of\b|to\b|and\b|or\b|is\b)[a-z]+|shall [a-z]+|won't [a-z]+"
    r"|(?:is|are) going to (?!the\b|an?\b|school\b|work\b|bed\b|sleep\b)[a-z]+)",
)


def wrong_tense(text: str, subject_mark: str) -> tuple[str, ...]:
    """Return the clear past and future forms of a text, in order, each once.

    Args:
        text: a caption without its quotations, with `subject_mark` in the place of every subject's name.
        subject_mark: one character that stands for a name.
    """
    after_name = re.compile(rf"{re.escape(subject_mark)} {_MANNER}({_REGULAR})(?![\w-])(?! by\b)")
    contracted = re.compile(rf"({re.escape(subject_mark)}'ll [a-z]+)")
    hits = [match for pattern in (after_name, contracted, _FUTURE) for match in pattern.finditer(text)]
    hits += [match for match in _PAST.finditer(text) if not re.search(r"\bas (?:if|though)\b", text[:match.start()])]
    ordered = sorted(hits, key=lambda match: match.start(1))
    return tuple(dict.fromkeys(match.group(1).replace(subject_mark, "the subject") for match in ordered))
