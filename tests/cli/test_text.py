"""Foreign text cannot act on a terminal."""

from hypothesis import given
from hypothesis import strategies as st

from actors.cli.text import clean, one_line, readable


def test_controls_escapes_and_direction_marks_are_written_out() -> None:
    assert clean("a\x1b[2Jb\x07\x9b31m\u202e\n") == "a\\x1b[2Jb\\x07\\x9b31m\\u202e\\x0a"
    assert clean("\U000e0041") == "\\U000e0041"


def test_ordinary_text_of_any_language_stays() -> None:
    assert clean("Ünïcode 腾讯 [red]") == "Ünïcode 腾讯 [red]"


@given(st.text())
def test_what_is_cleaned_is_printable(text: str) -> None:
    assert clean(text).isprintable()
    assert one_line(text).isprintable()


@given(st.binary(max_size=50))
def test_any_bytes_can_be_shown(payload: bytes) -> None:
    assert clean(readable(payload)).isprintable()


def test_bytes_that_are_no_text_are_written_out() -> None:
    assert readable(b"ab\xff\xfe", 3) == "ab\\xff"
