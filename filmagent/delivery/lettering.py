"""Text on pictures: which letters can be drawn, where lines break, what is cut.

Uses the font that Pillow brings, so that every machine draws the same sheet. Knows nothing of films.
"""

from __future__ import annotations

import unicodedata
from functools import cache

from PIL import ImageFont
from PIL.ImageFont import FreeTypeFont

_SPELLED = {
    "–": "-", "—": "-", "‑": "-", "−": "-", "×": "x", "→": "->", "←": "<-", "ß": "ss", "ø": "o", "Ø": "O", "ł": "l",
    "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "€": "EUR",
}
"""What the font lacks and plain letters can say."""
UNKNOWN = "?"
"""Stands for a run of characters that can neither be drawn nor be spelled."""


@cache
def font(size: int) -> FreeTypeFont:
    """Return Pillow's own font at a size in pixels."""
    loaded = ImageFont.load_default(size)
    assert isinstance(loaded, FreeTypeFont)
    return loaded


def printable(text: str) -> str:
    """Return a text in letters that the font has.

    Accents the font lacks are dropped (`é` becomes `e`), and a run of letters of another script or of emoji becomes
    one `?`. The full text stands in the manifest. White space becomes single spaces.
    """
    drawn: list[str] = []
    for character in " ".join(text.split()):
        if unicodedata.category(character) in {"Cf", "Mn", "Cc"}:
            continue  # joiners, combining accents and controls are nothing by themselves
        spelled = _spell(character)
        if spelled != UNKNOWN or character == UNKNOWN or not drawn or drawn[-1] != UNKNOWN:
            drawn.append(spelled)
    return "".join(drawn)


def wrap(text: str, letters: FreeTypeFont, width: int, lines: int) -> list[str]:
    """Break a text into at most so many lines of at most so many pixels; the last says `...` where it was cut."""
    words, found = printable(text).split(), [""]
    while words:
        word = words.pop(0)
        longer = f"{found[-1]} {word}".strip()
        if letters.getlength(longer) <= width:
            found[-1] = longer
        elif found[-1]:
            words.insert(0, word)
            found.append("")
        else:  # one word is wider than the line: break inside it
            fits = _fitting(word, letters, width)
            found[-1] = word[:fits]
            words.insert(0, word[fits:])
            found.append("")
        if len(found) > lines:
            return [*found[:lines - 1], _shorten(f"{found[lines - 1]}...", letters, width)]
    return [line for line in found if line]


def clip(text: str, letters: FreeTypeFont, width: int) -> str:
    """Return a text that is at most so many pixels wide, ending in `...` where it was cut."""
    whole = printable(text)
    return whole if letters.getlength(whole) <= width else _shorten(f"{whole}...", letters, width)


def _shorten(text: str, letters: FreeTypeFont, width: int) -> str:
    """Take letters away before the closing dots until the text fits."""
    kept = text.removesuffix("...")
    while kept and letters.getlength(f"{kept}...") > width:
        kept = kept[:-1].rstrip(" ,.;:")
    return f"{kept}..."


def _fitting(word: str, letters: FreeTypeFont, width: int) -> int:
    """Return how many letters of a word fit, at least one."""
    fits = 1
    while fits < len(word) and letters.getlength(word[:fits + 1]) <= width:
        fits += 1
    return fits


@cache
def _spell(character: str) -> str:
    """Return a character in letters that the font has, else UNKNOWN."""
    if _has_glyph(character):
        return character
    plain = _SPELLED.get(character) or "".join(
        part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part))
    return plain if plain and all(_has_glyph(part) for part in plain) else UNKNOWN


@cache
def _has_glyph(character: str) -> bool:
    """Return whether the font draws something of its own for a character, and not its box for missing ones."""
    letters = font(20)
    mask, missing = letters.getmask(character), letters.getmask("\uffff")
    return mask.size != missing.size or bytes(mask) != bytes(missing)
