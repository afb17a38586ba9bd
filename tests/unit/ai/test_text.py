"""Text from a service, made fit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.ai.text import one_line, repeats, storable

ANY_TEXT = st.text(st.characters() | st.characters(categories=["Cs"]))


@given(ANY_TEXT)
def test_storable_text_is_utf_8_without_nul(text: str) -> None:
    kept = storable(text)
    assert "\0" not in kept
    kept.encode()


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_text_that_is_storable_stays_as_it_is(text: str) -> None:
    assert storable(text) == text


@given(ANY_TEXT, st.integers(0, 50))
def test_one_line_is_short_and_printable(text: str, most: int) -> None:
    line = one_line(text, most)
    assert len(line) <= most
    assert line.isprintable()


def test_a_message_repeats_what_it_holds_twenty_characters_of() -> None:
    private = "my account number is 99887766, thank you"
    assert repeats("invalid: account number is 998877...", private)
    assert not repeats("account number is unknown", private)


def test_short_words_are_repeated_only_whole() -> None:
    assert repeats("bad key: k-12", "k-12")
    assert not repeats("bad key: k-1", "k-12")
    assert not repeats("anything", "")
