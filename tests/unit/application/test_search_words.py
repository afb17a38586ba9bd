"""What is looked for."""

from __future__ import annotations

import pytest

from application.search_words import search_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("refund", ("refund",)),
        ("  a  refund\tfor\nme ", ("a", "refund", "for", "me")),
        ("+1 (555) 12-34", ("1", "555", "12", "34")),
        ("c-7:a@b_c", ("c", "7", "a", "b", "c")),
        ("it's 'quoted'\\", ("it", "s", "quoted")),
        ("Grüße 世界 \U0001f4de", ("Grüße", "世界", "\U0001f4de")),
        ("nul\0and\udcffhalf", ("nul", "and", "half")),
        ("", ()),
        (" -- & | ! :* ", ()),
        ("x" * 150, ("x" * 100,)),
        ("a b c d e f g h i j", tuple("abcdefgh")),
    ],
)
def test_words_are_parted_by_space_and_punctuation(text: str, words: tuple[str, ...]) -> None:
    assert search_words(text) == words
