"""Requests are changed in one place, and nowhere else."""

from __future__ import annotations

import json

from hecate.serve_llm.dialects.requested_bytes import with_defaults, with_field, with_model, with_settings

BODY = b'{ "messages" :[{"content": "\\u00e9 1.0"}],\n "model":"openai/m1" , "temperature": 1.0}'


def test_the_same_name_changes_nothing() -> None:
    """What is asked for by its own name is sent as it came."""
    assert with_model(BODY, "openai/m1", "openai/m1") is BODY


def test_only_the_name_changes() -> None:
    """Spaces, escapes and numbers are left as they were written."""
    assert with_model(BODY, "openai/m1", 'm"1') == BODY.replace(b'"openai/m1"', b'"m\\"1"')


def test_a_conversation_about_models_is_left_alone() -> None:
    """The name is the one at the top, whatever else is called ``model``."""
    body = b'{"messages": [{"content": "x", "model": "a/b"}], "model": "a/b", "tools": [{"model": "a/b"}]}'
    changed = json.loads(with_model(body, "a/b", "b"))
    assert changed == {**json.loads(body), "model": "b"}
    escaped = b'{"m\\u006fdel": "a/b", "messages": [{"model": "c"}]}'
    assert json.loads(with_model(escaped, "a/b", "b")) == {"model": "b", "messages": [{"model": "c"}]}


def test_a_field_is_added_at_the_end() -> None:
    """Nothing else is read, let alone written anew; a field that is there is replaced."""
    assert with_field(b'{"a": 1.0}\n', "b", {"c": True}) == b'{"a": 1.0,"b":{"c":true}}'
    assert json.loads(with_field(b'{"a": 1.0, "b": null}', "b", 2)) == {"a": 1.0, "b": 2}


def test_defaults_stand_back() -> None:
    """What the configuration says counts where the request says nothing."""
    assert with_defaults(b'{"a": 1.0}', {}) == b'{"a": 1.0}'
    assert json.loads(with_defaults(b'{"a": 1}', {"a": 2, "b": 3})) == {"a": 1, "b": 3}
    assert with_settings(b'{"a": 1}', "options", {}) == b'{"a": 1}'
    assert json.loads(with_settings(b'{"a": 1}', "options", {"x": 1})) == {"a": 1, "options": {"x": 1}}
    assert json.loads(with_settings(b'{"options": {"x": 2}}', "options", {"x": 1, "y": 1})) == {
        "options": {"x": 2, "y": 1}
    }
    assert json.loads(with_settings(b'{"options": null}', "options", {"x": 1})) == {"options": {"x": 1}}
