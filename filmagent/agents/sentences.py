"""English text without what is quoted, and the sentences in it.

Knows punctuation; nothing of stories, subjects or rules.
"""

from __future__ import annotations

import re
import unicodedata

_QUOTED = re.compile(
    r"\"[^\"]*\"|“[^”“]*[”“]|„[^“”„]*[“”]|«[^«»]*»|»[^«»]*«|‹[^‹›]*›|「[^」]*」|『[^』]*』"
    r"|(?<![\w’'])‘(?=\w).*?[\w.!?,…]’(?!\w)"
    r"|(?<![\w’'])'(?=\w)(?!(?:tis|twas|em|til|cause)\b).*?[.!?,…]'(?!\w)"
    r"|(?<![\w’'])'(?=\w)(?!(?:tis|twas|em|til|cause)\b)(?:[^']|(?<=\w)'(?=\w))*?\w'(?!\w)",
    re.DOTALL,
)
_ABBREVIATION = re.compile(
    r"\b(?:Mr|Mrs|Ms|Dr|St|Prof|Jr|Sr|Capt|Col|Gen|Lt|Sgt|Rev|Mt|No|vs|etc|approx|e\.g|i\.e|a\.m|p\.m|[A-Z])\.",
)
_END = re.compile(r"(?:[.!?…]+[\"'”’»)\]]*(?=\s+[^\sa-z]|\s*$)|[。！？]+)")


def plain(text: str) -> str:
    """Return the text in one Unicode spelling, without invisible characters and with straight apostrophes in words."""
    composed = unicodedata.normalize("NFKC", text)
    visible = "".join(c for c in composed if unicodedata.category(c) != "Cf")
    return re.sub(r"(?<=\w)[’ʼ](?=\w)", "'", visible)


def without_quotes(text: str) -> str:
    """Return the text with quoted passages blanked out, end punctuation of a quotation kept; the length stays."""
    return _QUOTED.sub(_blank, text)


def count_sentences(text: str) -> int:
    """Return how many sentences a text holds; an unfinished last one counts. Abbreviations and quotes are known."""
    unquoted = without_quotes(plain(text))
    calm = _ABBREVIATION.sub(lambda match: match.group().replace(".", "_"), unquoted)
    pieces = _END.split(calm)
    return sum(1 for piece in pieces if re.search(r"\w", piece))


def _blank(match: re.Match[str]) -> str:
    quoted = match.group()
    end = quoted[-2] if len(quoted) > 2 and quoted[-2] in ".!?…" else "x"
    return "x" * (len(quoted) - 1) + end if end != "x" else "x" * len(quoted)
