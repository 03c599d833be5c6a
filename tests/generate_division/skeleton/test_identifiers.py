"""Identifiers from any text."""

from __future__ import annotations

import keyword

import pytest
from hypothesis import given, strategies as st

from hecate.generate_division.skeleton.identifiers import LONGEST, MODULES, PACKAGES, Names, class_name, slug
from tests.generate_division.skeleton.any_design import names


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("register_user", "register_user"),
        ("RegisterUser", "register_user"),
        ("HTTPServer2", "http_server2"),
        ("setURL", "set_url"),
        ("My SaaS", "my_saas"),
        ("  Ünïcödé nàme! ", "unicode_name"),
        ("__init__", "init"),
        ("2fa", "desk_2fa"),
        ("用户", "desk"),
        ("🙂", "desk"),
        ("a" * 40, "a" * LONGEST),
        ("first second third fourth fifth sixth", "first_second_third_fourth_fifth"),
    ],
)
def test_a_slug_is_words_of_ascii(text: str, words: str) -> None:
    """Whatever the text is, something can be called by it."""
    assert slug(text, "desk") == words


@given(st.lists(names, max_size=20))
def test_names_are_identifiers_and_each_is_given_once(wanted: list[str]) -> None:
    """For modules, whatever was asked for."""
    taking = Names(MODULES)
    given_names = [taking.take(slug(text, "desk")) for text in wanted]
    assert len(set(given_names)) == len(given_names)
    for name in given_names:
        assert name.isidentifier()
        assert name.isascii()
        assert not keyword.iskeyword(name)
        assert name not in MODULES
        assert class_name(name).isidentifier()


@given(st.lists(names, max_size=20), st.integers(0, 20))
def test_a_name_never_changes_when_there_are_more(wanted: list[str], count: int) -> None:
    """Those that come later do not move those that are there."""

    def taken(some: list[str]) -> list[str]:
        taking = Names(MODULES)
        return [taking.take(slug(text, "desk")) for text in some]

    assert taken(wanted)[:count] == taken(wanted[:count])


def test_what_collides_is_numbered() -> None:
    """Also when the number is somebody's name."""
    taking = Names({"class"})
    wanted = ["user", "user", "user_2", "user", "class", "class", "class_"]
    assert [taking.take(name) for name in wanted] == [
        "user", "user_2", "user_2_2", "user_3", "class_", "class_2", "class_3",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["json", "email", "test", "tests", "pytest", "class", "annotationlib", "imp"])
def test_a_package_hides_no_other(name: str) -> None:
    """Of any release of Python."""
    assert Names(PACKAGES, "_app").take(name) == f"{name}_app"
