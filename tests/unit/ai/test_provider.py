"""Settings that make no sense are refused."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.ai.provider import AIProvider


def provider(**settings: Any) -> AIProvider:
    defaults = {"base_url": "http://127.0.0.1:8090/v1", "transcription_model": "w", "analysis_model": "g"}
    return AIProvider(**{**defaults, **settings})


def test_a_base_url_may_end_in_a_slash() -> None:
    assert provider(base_url="https://api.example.com/v1/").base_url == "https://api.example.com/v1"


@pytest.mark.parametrize(
    "settings",
    [
        {"base_url": ""},
        {"base_url": "127.0.0.1:8090/v1"},
        {"base_url": "ftp://host/v1"},
        {"base_url": "http:///v1"},
        {"base_url": "http://host/v1?x=1"},
        {"base_url": "http://user:password@host/v1"},
        {"api_key": ""},
        {"api_key": "two\nlines"},
        {"api_key": " spaced "},
        {"transcription_model": ""},
        {"analysis_model": ""},
        {"transcription_response_format": "srt"},
        {"timeout_seconds": 0},
        {"retry_attempts": 0},
        {"retry_wait_seconds": -1},
    ],
)
def test_nonsense_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        provider(**settings)


def test_a_refused_key_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="api_key") as caught:
        provider(api_key="sk-1\n")
    assert "sk-1" not in str(caught.value)
