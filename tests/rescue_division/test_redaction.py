"""What a model is shown has no secrets in it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from hecate.rescue_division.redaction import HIDDEN, redacted

SECRET = "Zq7Rk2Vx9Lm4Tn8Wp3Yb"


@pytest.mark.parametrize(
    "text",
    [
        f"password={SECRET}",
        f"PASSWORD = '{SECRET} and more'",
        f"connecting with pwd: {SECRET}, retrying",
        f"export AWS_SECRET_ACCESS_KEY={SECRET}",
        f'{{"db_password": "{SECRET}", "port": 5432}}',
        json.dumps(json.dumps({"token": f"{SECRET} {SECRET}"})),
        f"client_secret => {SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"authorization: Basic {SECRET}==",
        f"sent bearer {SECRET} to the host",
        f"Set-Cookie: sid={SECRET}; HttpOnly",
        f"X-Api-Key: {SECRET}",
        f"postgres://ann:{SECRET}@db.example.org:5432/shop",
        f"redis://:p@{SECRET}@cache/0",
        f"GET /v1/things?page=2&api_key={SECRET}&q=x HTTP/1.1",
        f"https://example.org/hook?token={SECRET}",
        f"curl --password {SECRET} https://example.org",
        f"invalid key sk-proj-{SECRET}",
        f"ghp_{SECRET}{SECRET}",
        f"xoxb-{SECRET}",
        "AKIAIOSFODNN7EXAMPLE" + SECRET.upper(),
        f"eyJhbGciOiJIUzI1NiJ9.{SECRET}.{SECRET}",
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET}\n{SECRET}\n-----END OPENSSH PRIVATE KEY-----",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n{SECRET}",
    ],
)
def test_secrets_are_taken_out(text: str) -> None:
    """In whatever notation they are written."""
    hidden = redacted(f"before\n{text}\nafter")
    assert SECRET not in hidden
    assert SECRET.upper() not in hidden
    assert HIDDEN in hidden
    assert hidden.startswith("before\n")


@pytest.mark.parametrize(
    "text",
    [
        "prompt_tokens: 412, completion_tokens: 96",
        "the tokenizer failed at line 3: unexpected indent",
        'File "auth/sums.py", line 2, in add',
        "https://example.org/path?page=2",
        "2026-11-25T03:55:05Z health_status_recorded_v1 unhealthy after 30 ms",
        "7 passed, 1 failed in 0.3 s",
    ],
)
def test_what_tells_the_cause_stays(text: str) -> None:
    """Word for word."""
    assert redacted(text) == text


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    """And what is hidden once stays as it is."""
    once = redacted(text)
    assert redacted(once) == once or HIDDEN in once


@pytest.mark.parametrize("piece", ["a.", "password", '"', "-a ", "://", "token: ", 'secret="\\', "eyJaaaaaaaa."])
def test_a_long_line_is_read_in_a_moment(piece: str) -> None:
    """However it is made: the test's own time limit would say so."""
    redacted(piece * 20_000)
