"""What a person types into a search, as the words to look for."""

from __future__ import annotations

import re
from typing import Final

MOST_WORDS: Final = 8
LONGEST_WORD: Final = 100
"""Characters; what goes beyond is not looked at."""

# As what is searched is parted: by white space and by the punctuation of ASCII. Other characters are left to
# the storage, but for those that it cannot take.
_BETWEEN_WORDS: Final = re.compile(r"[\s\x00-\x1f\x7f!-/:-@\[-`{-~\ud800-\udfff]+")


def search_words(text: str) -> tuple[str, ...]:
    """None where the text has none: everything then fits it."""
    words = [word[:LONGEST_WORD] for word in _BETWEEN_WORDS.split(text) if word]
    return tuple(words[:MOST_WORDS])
