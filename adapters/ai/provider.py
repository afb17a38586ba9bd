"""Which AI service is asked, and how patiently."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import attrs
from attrs import validators

RESPONSE_FORMATS: Final = ("verbose_json", "json")


def _without_slash(url: str) -> str:
    return url.rstrip("/")


def _check_base_url(_: object, __: object, base_url: str) -> None:
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("base_url must be like https://host/v1")
    if parts.username is not None:
        raise ValueError("base_url must not carry credentials: they have their own setting")


def _check_api_key(_: object, __: object, api_key: str | None) -> None:
    if api_key is None:
        return
    if not (api_key.isascii() and api_key.isprintable()) or api_key != api_key.strip() or not api_key:
        raise ValueError("api_key must be printable ASCII without spaces around it")


@attrs.frozen(kw_only=True)
class AIProvider:
    """A service that speaks the OpenAI-compatible formats under ``base_url``. Raises ValueError on nonsense.

    ``timeout_seconds`` limits one attempt: connecting, sending and reading together. Between the
    attempts of a run lie ``retry_wait_seconds``, then twice that, and so on, with jitter, and never
    more than ``retry_max_wait_seconds``. ``transcription_response_format`` is ``verbose_json``, which
    says when things were said, or ``json`` for models that know no other.
    """

    base_url: str = attrs.field(converter=_without_slash, validator=_check_base_url)
    transcription_model: str = attrs.field(validator=validators.min_len(1))
    analysis_model: str = attrs.field(validator=validators.min_len(1))
    api_key: str | None = attrs.field(default=None, repr=False, validator=_check_api_key)
    transcription_response_format: str = attrs.field(
        default="verbose_json", validator=validators.in_(RESPONSE_FORMATS)
    )
    timeout_seconds: float = attrs.field(default=60.0, validator=validators.gt(0))
    retry_attempts: int = attrs.field(default=5, validator=validators.ge(1))
    retry_wait_seconds: float = attrs.field(default=2.0, validator=validators.ge(0))
    retry_max_wait_seconds: float = attrs.field(default=60.0, validator=validators.ge(0))
