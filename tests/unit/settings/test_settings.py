"""Settings from the environment. Nonsense is one line that names the setting."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import attrs
import pytest

from entrypoints.settings import Settings, SettingsError, read_settings, settings_help

CONTRACT = {
    "database_url": None,
    "data_dir": Path(".trunkline"),
    "host": "127.0.0.1",
    "port": 8080,
    "ai_base_url": None,
    "ai_api_key": None,
    "ai_transcription_model": "whisper-1",
    "ai_analysis_model": "gpt-4o-mini",
    "ai_timeout_seconds": 60,
    "ai_retry_attempts": 5,
    "ai_retry_wait_seconds": 2,
    "ai_run_delays_seconds": (60, 300, 1800, 7200, 21600, 43200),
    "ai_concurrency": 16,
    "settle_seconds": 2,
}


def refusal(name: str, text: str) -> str:
    with pytest.raises(SettingsError) as refused:
        read_settings({f"TRUNKLINE_{name}": text})
    message = str(refused.value)
    assert message.startswith(f"TRUNKLINE_{name} ")
    assert "\n" not in message
    return message


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = read_settings({})
    assert {name: getattr(settings, name) for name in CONTRACT} == CONTRACT


def test_every_setting_is_read() -> None:
    settings = read_settings(
        {
            "TRUNKLINE_DATABASE_URL": "postgresql://user:secret@db/trunkline",
            "TRUNKLINE_DATA_DIR": "/data",
            "TRUNKLINE_HOST": "0.0.0.0",  # noqa: S104 # not bound
            "TRUNKLINE_PORT": "0",
            "TRUNKLINE_WORK_PORT": "9100",
            "TRUNKLINE_AI_BASE_URL": "http://127.0.0.1:8090/v1/",
            "TRUNKLINE_AI_API_KEY": "sk-1",
            "TRUNKLINE_AI_TRANSCRIPTION_MODEL": "large",
            "TRUNKLINE_AI_TRANSCRIPTION_FORMAT": "json",
            "TRUNKLINE_AI_ANALYSIS_MODEL": "small",
            "TRUNKLINE_AI_MAX_UPLOAD_MEGABYTES": "25",
            "TRUNKLINE_AI_TIMEOUT_SECONDS": "1.5",
            "TRUNKLINE_AI_RETRY_ATTEMPTS": "1",
            "TRUNKLINE_AI_RETRY_WAIT_SECONDS": "0",
            "TRUNKLINE_AI_RUN_DELAYS_SECONDS": "1, 2.5 ,0",
            "TRUNKLINE_AI_CONCURRENCY": "1",
            "TRUNKLINE_SETTLE_SECONDS": "0.5",
            "TRUNKLINE_IDLE_CALL_SECONDS": "1",
            "TRUNKLINE_AUDIO_RETENTION_DAYS": "30",
            "TRUNKLINE_DATABASE_CONNECTIONS": "2",
            "TRUNKLINE_INGEST_QUEUE": "1",
            "TRUNKLINE_SPOOL_MAX_MEGABYTES": "2",
            "TRUNKLINE_LANES_PER_COMMIT": "1",
            "TRUNKLINE_DRAIN_SECONDS": "0",
        }
    )
    assert {name: getattr(settings, name) for name in attrs.fields_dict(cast(Any, Settings))} == {
        "database_url": "postgresql://user:secret@db/trunkline",
        "data_dir": Path("/data"),
        "host": "0.0.0.0",  # noqa: S104 # not bound
        "port": 0,
        "work_port": 9100,
        "ai_base_url": "http://127.0.0.1:8090/v1",
        "ai_api_key": "sk-1",
        "ai_transcription_model": "large",
        "ai_transcription_format": "json",
        "ai_analysis_model": "small",
        "ai_max_upload_megabytes": 25,
        "ai_timeout_seconds": 1.5,
        "ai_retry_attempts": 1,
        "ai_retry_wait_seconds": 0,
        "ai_run_delays_seconds": (1, 2.5, 0),
        "ai_concurrency": 1,
        "settle_seconds": 0.5,
        "idle_call_seconds": 1,
        "audio_retention_days": 30,
        "database_connections": 2,
        "ingest_queue": 1,
        "spool_max_megabytes": 2,
        "lanes_per_commit": 1,
        "drain_seconds": 0,
    }


@pytest.mark.parametrize(
    "name",
    ["DATABASE_URL", "WORK_PORT", "AI_BASE_URL", "AI_API_KEY", "LANES_PER_COMMIT", "AUDIO_RETENTION_DAYS"],
)
def test_what_may_be_unset_may_be_empty(name: str) -> None:
    assert getattr(read_settings({f"TRUNKLINE_{name}": ""}), name.lower()) is None


def test_idle_calls_may_be_left_alone() -> None:
    assert read_settings({}).idle_call_seconds == 300
    assert read_settings({"TRUNKLINE_IDLE_CALL_SECONDS": "0"}).idle_call_seconds == 0


def test_no_delays_means_one_run() -> None:
    assert read_settings({"TRUNKLINE_AI_RUN_DELAYS_SECONDS": ""}).ai_run_delays_seconds == ()


def test_other_variables_are_none_of_ours() -> None:
    assert read_settings({"PORT": "nonsense", "TRUNKLINE_TEST_DATABASE_URL": "x"}) == read_settings({})


NOT_WHOLE = ["", "ten", "1.5", "1e3", "0x10", "nan"]
NO_NUMBER = ["", "ten", "1,5", "nan", "inf", "-1", "-0.1"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("PORT", text) for text in [*NOT_WHOLE, "-1", "65536"]),
        *(("WORK_PORT", text) for text in [*NOT_WHOLE[1:], "-1", "65536"]),
        *(("AI_RETRY_ATTEMPTS", text) for text in [*NOT_WHOLE, "0", "-1"]),
        *(("AUDIO_RETENTION_DAYS", text) for text in [*NOT_WHOLE[1:], "0", "-1"]),
        *(("AI_CONCURRENCY", text) for text in [*NOT_WHOLE, "0"]),
        *(("DATABASE_CONNECTIONS", text) for text in [*NOT_WHOLE, "1"]),
        *(("INGEST_QUEUE", text) for text in [*NOT_WHOLE, "0"]),
        *(("LANES_PER_COMMIT", text) for text in [*NOT_WHOLE[1:], "0", "-1"]),
        *(("AI_TIMEOUT_SECONDS", text) for text in [*NO_NUMBER, "0"]),
        *(("AI_MAX_UPLOAD_MEGABYTES", text) for text in [*NO_NUMBER, "0.5"]),
        *(("AI_RETRY_WAIT_SECONDS", text) for text in NO_NUMBER),
        *(("SETTLE_SECONDS", text) for text in NO_NUMBER),
        *(("DRAIN_SECONDS", text) for text in NO_NUMBER),
        *(("IDLE_CALL_SECONDS", text) for text in [*NO_NUMBER, "0.9"]),
        *(("AI_RUN_DELAYS_SECONDS", text) for text in ["soon", "1,-1", "1;2", "inf", "1,nan"]),
        *(
            ("AI_BASE_URL", text)
            for text in ["127.0.0.1:8090", "ftp://ai/v1", "http://", "http://a:b", "/v1"]
        ),
        *(("DATABASE_URL", text) for text in ["mysql://db/x", "db", "postgresql://db:port/x"]),
        ("AI_TRANSCRIPTION_FORMAT", "srt"),
        ("AI_TRANSCRIPTION_FORMAT", ""),
        ("AI_TRANSCRIPTION_MODEL", ""),
        ("AI_ANALYSIS_MODEL", " "),
        ("HOST", ""),
        ("DATA_DIR", ""),
        ("PORT", "80\n80"),
        ("AI_BASE_URL", "\n"),
    ],
)
def test_nonsense_is_one_line_that_names_the_setting(name: str, text: str) -> None:
    refusal(name, text)


def test_the_line_shows_what_was_given() -> None:
    assert refusal("PORT", "ten") == "TRUNKLINE_PORT must be a whole number, not 'ten'"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DATABASE_URL", "mysql://user:hunter2@db/x"),
        ("DATABASE_URL", "postgresql://user:hunter2@db:port/x"),
        ("DATABASE_URL", "postgresql://user:hunter2/3@db/x"),
        ("AI_BASE_URL", "ftp://user:hunter2@ai/v1"),
        ("AI_BASE_URL", "http://user:hunter2@ai:port/v1"),
    ],
)
def test_the_line_never_shows_a_secret(name: str, text: str) -> None:
    assert "hunter2" not in refusal(name, text)


def test_settings_do_not_show_their_secrets() -> None:
    settings = read_settings(
        {"TRUNKLINE_AI_API_KEY": "hunter2", "TRUNKLINE_DATABASE_URL": "postgresql://u:hunter2@db/x"}
    )
    assert "hunter2" not in f"{settings} {settings!r}"


def test_help_names_every_setting_with_its_default() -> None:
    lines = {line.split()[0]: line for line in settings_help().splitlines()}
    assert lines.keys() == {
        f"TRUNKLINE_{name.upper()}"
        for name in (*CONTRACT, "work_port", "ai_transcription_format", "ai_max_upload_megabytes")
    } | {
        f"TRUNKLINE_{name}"
        for name in (
            "IDLE_CALL_SECONDS",
            "AUDIO_RETENTION_DAYS",
            "DATABASE_CONNECTIONS",
            "INGEST_QUEUE",
            "SPOOL_MAX_MEGABYTES",
            "LANES_PER_COMMIT",
            "DRAIN_SECONDS",
        )
    }
    assert "(default: 8080)" in lines["TRUNKLINE_PORT"]
    assert "(default: unset)" in lines["TRUNKLINE_DATABASE_URL"]
    assert "(default: 60,300,1800,7200,21600,43200)" in lines["TRUNKLINE_AI_RUN_DELAYS_SECONDS"]
