"""The environment, read once into frozen settings. Nonsense stops the start."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

import attrs
import environ
from yarl import URL

PREFIX: Final = "TRUNKLINE"
_NEVER_SHOWN: Final = frozenset({"TRUNKLINE_DATABASE_URL", "TRUNKLINE_AI_BASE_URL", "TRUNKLINE_AI_API_KEY"})
"""A URL may hold a password."""


class SettingsError(Exception):
    """A setting makes no sense. The message names it."""


def _at_least(least: float) -> Callable[[Any, Any, float | None], None]:
    def check(instance: object, attribute: object, value: float | None) -> None:
        if value is not None and not (math.isfinite(value) and value >= least):
            raise ValueError(f"must be {least} or more")

    return check


def _zero_or_at_least(least: float) -> Callable[[Any, Any, float], None]:
    def check(instance: object, attribute: object, value: float) -> None:
        if not (value == 0 or (math.isfinite(value) and value >= least)):
            raise ValueError(f"must be 0, or {least} or more")

    return check


def _port(text: str) -> int:
    port = _whole_number(text)
    if not 0 <= port <= 65535:
        raise ValueError("must be from 0 to 65535")
    return port


def _optional_port(text: str) -> int | None:
    return _port(text) if text else None


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("must be a whole number") from None


def _optional_whole_number(text: str) -> int | None:
    return _whole_number(text) if text else None


def _days(text: str) -> int | None:
    if not text:
        return None
    days = _whole_number(text)
    if days < 1:
        raise ValueError("must be 1 or more")
    return days


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("must be a number") from None


def _delays(text: str) -> tuple[float, ...]:
    delays = tuple(_number(part) for part in text.split(",") if part.strip())
    if not all(math.isfinite(delay) and delay >= 0 for delay in delays):
        raise ValueError("must be numbers of seconds, separated by commas")
    return delays


def _http_url(text: str) -> str | None:
    if not text:
        return None
    url = URL(text)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("must be a URL like http://127.0.0.1:8090/v1")
    return text.rstrip("/")


def _postgres_url(text: str) -> str | None:
    if not text:
        return None
    if URL(text).scheme not in ("postgres", "postgresql"):
        raise ValueError("must be a URL like postgresql://user:password@host/database")
    return text


def _some_text(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def _folder(text: str) -> Path:
    return Path(_some_text(text))


def _or_none(text: str) -> str | None:
    return text or None


def _response_format(instance: object, attribute: object, value: str) -> None:
    if value not in ("verbose_json", "json"):
        raise ValueError("must be verbose_json or json")


@environ.config(prefix=PREFIX, frozen=True)
class Settings:
    """What operators may set; see docs/operations.md for how to choose."""

    database_url: str | None = environ.var(
        "", converter=_postgres_url, help="PostgreSQL to use; unset: one embedded under DATA_DIR"
    )
    data_dir: Path = environ.var(
        ".trunkline", converter=_folder, help="where the embedded PostgreSQL and the spool live"
    )
    host: str = environ.var("127.0.0.1", converter=_some_text, help="address to listen on")
    port: int = environ.var(8080, converter=_port, help="port to listen on; 0: any free one")
    work_port: int | None = environ.var(
        "", converter=_optional_port, help="port where `trunkline work` tells its health and metrics"
    )
    ai_base_url: str | None = environ.var(
        "", converter=_http_url, help="OpenAI-compatible base URL; unset: calls wait in COMPLETED"
    )
    ai_api_key: str | None = environ.var("", converter=_or_none, help="bearer token for the AI service")
    ai_transcription_model: str = environ.var(
        "whisper-1", converter=_some_text, help="model for transcriptions"
    )
    ai_transcription_format: str = environ.var(
        "verbose_json",
        validator=_response_format,
        help="response_format of transcriptions: verbose_json or json",
    )
    ai_analysis_model: str = environ.var(
        "gpt-4o-mini", converter=_some_text, help="model for summary and sentiment"
    )
    ai_max_upload_megabytes: float = environ.var(
        10, converter=_number, validator=_at_least(1), help="longer recordings are sent in parts of this size"
    )
    ai_timeout_seconds: float = environ.var(
        60, converter=_number, validator=_at_least(0.1), help="one attempt at a request to the AI"
    )
    ai_retry_attempts: int = environ.var(
        5, converter=_whole_number, validator=_at_least(1), help="attempts at one request within a run"
    )
    ai_retry_wait_seconds: float = environ.var(
        2, converter=_number, validator=_at_least(0), help="first wait between attempts; doubles, with jitter"
    )
    ai_run_delays_seconds: tuple[float, ...] = environ.var(
        "60,300,1800,7200,21600,43200", converter=_delays, help="waits between runs; after the last: FAILED"
    )
    ai_concurrency: int = environ.var(
        16, converter=_whole_number, validator=_at_least(1), help="calls one process works on at a time"
    )
    settle_seconds: float = environ.var(
        2, converter=_number, validator=_at_least(0), help="how long late packets may follow a completion"
    )
    idle_call_seconds: float = environ.var(
        300,
        converter=_number,
        validator=_zero_or_at_least(1),
        help="silence after which a call counts as over, though nobody said so; 0: never",
    )
    audio_retention_days: int | None = environ.var(
        "", converter=_days, help="days for which a call's audio is kept; unset: for ever"
    )
    database_connections: int = environ.var(
        10,
        converter=_whole_number,
        validator=_at_least(2),
        help="most connections one process opens, but four",
    )
    ingest_queue: int = environ.var(
        10_000,
        converter=_whole_number,
        validator=_at_least(1),
        help="packets that may wait for a commit; more get 503",
    )
    spool_max_megabytes: float = environ.var(
        1_000,
        converter=_number,
        validator=_at_least(1),
        help="what a process spools while the database is away; more gets 503",
    )
    lanes_per_commit: int | None = environ.var(
        "",
        converter=_optional_whole_number,
        validator=_at_least(1),
        help="lanes one commit may span; unset: all; 1: for a database that is distributed by lane",
    )
    drain_seconds: float = environ.var(
        8,
        converter=_number,
        validator=_at_least(0),
        help="after SIGTERM: time for what is under way to finish",
    )

    def __repr__(self) -> str:
        """Without values: a password and a key are among them."""
        return "Settings(...)"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Raises SettingsError, one line that names the setting."""
    given = {name: environment[name] for name in _names() if name in environment}
    for name, text in given.items():
        _check_alone(name, text)
    return _from(given)


def _check_alone(name: str, text: str) -> None:
    """Read with everything else at its default, so that what is wrong is this setting's."""
    try:
        _from({name: text})
    except ValueError as error:
        shown = "" if name in _NEVER_SHOWN else f", not {text!r}"
        raise SettingsError(f"{name} {error}{shown}") from error


def _from(environment: dict[str, str]) -> Settings:
    settings: Settings = environ.to_config(Settings, environ=environment)
    return settings


def _names() -> dict[str, attrs.Attribute[Any]]:
    fields: tuple[attrs.Attribute[Any], ...] = attrs.fields(cast(type[attrs.AttrsInstance], Settings))
    return {f"{PREFIX}_{field.name.upper()}": field for field in fields}


def settings_help() -> str:
    """Every setting with its default, for the command line."""
    return "\n".join(
        f"  {name:36} {field.metadata['environ_config'].help}"
        f" (default: {'unset' if field.default == '' else field.default})"
        for name, field in _names().items()
    )
