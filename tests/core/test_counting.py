"""Numbers with their nouns: `send` said "1 objects"."""

import pytest

from glioscope.core.counting import are, counted, were


@pytest.mark.parametrize(("number", "words"), [(0, "0 exams"), (1, "1 exam"), (2, "2 exams")])
def test_the_noun_has_the_number(number: int, words: str) -> None:
    assert counted(number, "exam") == words


def test_other_plurals_and_verbs() -> None:
    assert [counted(n, "study", "studies") for n in (1, 3)] == ["1 study", "3 studies"]
    assert [(are(n), were(n)) for n in (0, 1, 2)] == [("are", "were"), ("is", "was"), ("are", "were")]
