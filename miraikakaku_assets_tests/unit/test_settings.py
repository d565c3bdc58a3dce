"""Settings: every wrong value is refused with the variable's name, and no secret is ever shown."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from miraikakaku_assets.bootstrap.installation import clock_of, utc_now
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.settings import JPX_LIST_URL, YAHOO_BASE_URL, Settings, load_settings

SECRET = "s3cr3t-Passw0rd"  # noqa: S105 - what must not be seen


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)  # no .env of the developer


def test_empty_environment_has_working_defaults() -> None:
    settings = load_settings()
    assert settings.database_url is None
    assert settings.miraikakaku_price_source == "yahoo"
    assert settings.jpx_list_url == JPX_LIST_URL
    assert (settings.requests_per_second, settings.burst_limit, settings.max_workers) == (5.0, 20, 10)
    assert settings.home.is_absolute()
    assert settings.miraikakaku_schedules == "off"


WRONG = {
    "DATABASE_URL": [
        f"sqlite:///{SECRET}",
        f"mysql://u:{SECRET}@h/d",
        SECRET,
        f"postgresql://u:{SECRET}@h:port/d",
        f"postgresql://u:{SECRET}@h:99999/d",
    ],
    "MIRAIKAKAKU_HOME": ["a\nb", "a\tb", "\udcff"],
    "MIRAIKAKAKU_PRICE_SOURCE": ["google", "Yahoo"],
    "MIRAIKAKAKU_FAULTS": [
        "everywhere",
        "bars.after_commit",
        "nowhere:kill",
        "bars.after_commit:crash",
        "seed=x",
    ],
    "MIRAIKAKAKU_NOW": ["noon", "2026-11-19", "2026-11-19T12:00:00+00:00"],  # beside the real source, too
    "YAHOO_BASE_URL": [
        "query2.finance.yahoo.com",
        "ftp://yahoo",
        "https://",
        "http://host:99999",
        "http://h:x",
    ],
    "JPX_LIST_URL": ["ftp://host/data_j.xls", "https://", "http://host:99999/data_j.xls"],
    "NASDAQ_LISTED_URL": ["ftp://host/nasdaqlisted.txt"],
    "OTHER_LISTED_URL": ["ftp://host/otherlisted.txt"],
    "REQUESTS_PER_SECOND": ["0", "-1", "fast", "nan", "inf", "0.001", "1e9"],
    "BURST_LIMIT": ["0", "-1", "2.5", "many", "100001"],
    "MAX_WORKERS": ["0", "two", "100000"],
    "WORKER_TIMEOUT": ["0", "-3", "nan", "inf", "86400"],
    "MAX_RETRIES": ["-1", "1.5", "21"],
    "RETRY_DELAY": ["-0.1", "nan", "inf", "3601"],
    "BACKOFF_MULTIPLIER": ["0.9", "nan", "inf", "100"],
    "BATCH_SIZE": ["0", "x", "1000000"],
    "MIN_JAPANESE_STOCKS": ["0", "all", "1000000"],
    "MIN_US_STOCKS": ["0", "all", "1000000"],
    "MIN_ETFS": ["-1", "many", "1000000"],
    "ALPHA_VANTAGE_BASE_URL": ["www.alphavantage.co", "ftp://alphavantage", "http://host:99999"],
    "FX_PAIRS": ["USDJPY", "JPY=X", "usdjpy=X", "USDUSD=X", "USDJPY=X;EURUSD=X", " , "],
    "COPPER_SYMBOLS": ["HG", "CL=F", "hg=F", "HGZ26.CMX", "HG=F;MHG=F", " , "],
    "LME_PRICE_SOURCE": ["reuters", "yahoo"],
    "WESTMETALL_URL": ["www.westmetall.com", "ftp://westmetall", "http://host:99999"],
    "DATABASE_READER_URL": ["sqlite:///x", "localhost"],
    "DATABASE_API_URL": ["sqlite:///x", "localhost"],
    "CELERY_BROKER_URL": [f"amqp://user:{SECRET}@host", "redis.example"],
    "CELERY_RESULT_URL": [f"amqp://user:{SECRET}@host", "redis.example"],
    "RUN_LOST_AFTER": ["0", "soon", "100000"],
    "BULK_JOB_RETENTION_DAYS": ["0", "a month", "36501"],
    "BULK_RESULT_RETENTION_DAYS": ["0", "a month", "36501"],
    "DB_PORT": ["0", "x", "65536"],
    "COLLECTION_TIME": ["7:00", "07:60", "24:00", "0700", "07:00:00", "morning"],
    "JP_WATCH_LIST": ["7203.T;9984.T", "7203.T 9984.T", "7203.t", "トヨタ", "7203", "7203.T,AAPL", "72030.T"],
    "US_WATCH_LIST": ["AAPL;MSFT", "aapl", "AAPL, MSFT NVDA", "7203.T", "USDJPY=X", "AAPL,TOYO.T"],
    "CANARY_SYMBOLS": [" , ", "AAPL;MSFT", "7203.t", "7203", "JPY=X,USD"],
    "COVERAGE_ALERT_THRESHOLD": ["0", "1.01", "95%", "nan"],
    "PRICE_BASIS": ["close", "Raw"],
    "PATTERN_DEFINITION": ["v3", "2"],
    "MAX_PROCESSING_TIME": ["0", "-1", "5min", "nan", "inf", "1e6"],
    "MIN_SUCCESS_RATE": ["0", "1.01", "95%", "nan"],
    "MAX_ERROR_COUNT": ["0", "2.5", "few", "1001"],
    "DISCORD_WEBHOOK_URL": [
        SECRET,
        f"discord.com/api/webhooks/1/{SECRET}",
        f"ftp://discord.com/api/webhooks/1/{SECRET}",
        f"https://discord.com/api/webhooks/one/{SECRET}",
        f"https://discord.com/channels/1/{SECRET}",
        f"https://discord.com/api/webhooks/1/{SECRET}/slack",
        f"https://discord.com:{SECRET}/api/webhooks/1/{SECRET}",
        "https:///api/webhooks/1/x",
    ],
    "SLACK_WEBHOOK_URL": [
        SECRET,
        f"https://hooks.slack.com/services/T0/{SECRET}",
        f"https://hooks.slack.com/triggers/T0/B0/{SECRET}",
        f"xoxb-{SECRET}",
    ],
    "SMTP_PORT": ["0", "65536", "smtp"],
    "FROM_EMAIL": ["nobody", "a@example.org,b@example.org", "Bot <a@example.org>"],
    "TO_EMAIL": ["nobody", "a@example.org;b@example.org"],
    "NOTIFY_URLS": [SECRET, f"tgram://{SECRET}/chat {SECRET}", f"tgram: //{SECRET}"],
    "RESTATEMENT_SESSIONS": ["0", "ten", "1001"],
    "HISTORY_START": ["2020", "01/02/2020", "2020-02-30", "yesterday", "2999-01-01", "1899-12-31"],
    "PARTITIONS_PER_RUN": ["0", "all", "1000000"],
    "OSV_DUMP_MAX_AGE_DAYS": ["0", "a week", "366"],
    "EVENT_LOG_RETENTION_DAYS": ["0", "a month", "36500"],
    "BACKUP_TIME": ["2", "24:00", "two"],
    "BACKUP_KEEP_DAILY": ["0", "367", "all"],
    "BACKUP_KEEP_WEEKLY": ["-1", "521"],
    "BACKUP_KEEP_MONTHLY": ["-1", "241"],
    "BACKUP_WAL": ["yes"],
    "BACKUP_WAL_DAYS": ["0", "367"],
    "COLD_AFTER_DAYS": ["89", "0", "-1", "36501", "soon"],
    **{
        f"{kind}_RETENTION_DAYS": ["0", "a month", "36501"]
        for kind in ("REPORT", "LOG", "MASTER", "MODEL", "LEDGER", "CYCLE", "ALERT", "PROBE")
    },
    "HEALTHCHECK_URL": [SECRET, f"hc-ping.com/{SECRET}", "ftp://hc-ping.com/x"],
    "ALERTMANAGER_WEBHOOK_URL": [SECRET, f"alertmanager/{SECRET}", "ftp://hooks/x"],
    "ALERT_ROUTES": ["high", "urgent=discord", "high=discord high=slack", "medium=+email"],
    "API_ALLOWED_ORIGINS": ["*", "pro.openbb.co", "https://pro.openbb.co/app", "https://u@pro.openbb.co"],
    "RATE_LIMIT_PER_MINUTE": ["0", "many", "10000001"],
    "DASHBOARD_URL": ["127.0.0.1:8501", "ftp://127.0.0.1"],
    "DAGSTER_URL": ["127.0.0.1:3000", "ftp://127.0.0.1"],
    "ALERT_GROUP_WAIT": ["-1", "soon", "3601"],
    "ALERT_DIGEST_TIME": ["9", "24:00", "nine"],
    "QUALITY_RETENTION_DAYS": ["0", "a month", "36500"],
    "SYSTEM_METRICS_RETENTION_DAYS": ["0", "a month", "36500"],
    "DAGSTER_STORAGE": ["sqlite"],
    "MIRAIKAKAKU_SCHEDULES": ["yes", "1"],
    "LOG_LEVEL": ["debug", "LOUD"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_wrong_value_is_refused_with_the_variables_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    message = str(caught.value)
    assert message.startswith(f"{name}: ")
    assert "\n" not in message
    assert SECRET not in message
    assert caught.value.exit_code == 2


def test_every_constrained_variable_has_a_wrong_value_here() -> None:
    free = {
        "MIRAIKAKAKU_ARCHIVE_DIR",  # of which the test below is
        "ALPHA_VANTAGE_API_KEY",
        "SMTP_SERVER",
        "EMAIL_PASSWORD",
        "LOG_FILE",
        "OSV_DUMP",
        "API_KEY",
        "API_KEYS_FILE",
        "COPPER_DROP_DIR",
        "LSEG_APP_KEY",
        "DB_HOST",
        "DB_NAME",
        "DB_USER",
        "DB_PASSWORD",
        "DAGSTER_YAML",
    }  # any text may be one
    assert {name.upper() for name in Settings.model_fields} - free == set(WRONG)


RIGHT = {
    "DATABASE_URL": [
        "postgresql://u:p@h/d",
        "postgres://h/d",
        "postgresql+psycopg2://h:5432/d",
        "postgresql:///d?host=/tmp",
        "postgresql://u:p#w@h/d",
    ],
    "YAHOO_BASE_URL": ["http://127.0.0.1:8123", "https://query1.finance.yahoo.com/"],
    "REQUESTS_PER_SECOND": ["0.5", "100"],
    "MAX_RETRIES": ["0"],
    "RETRY_DELAY": ["0"],
    "BACKOFF_MULTIPLIER": ["1"],
    "COVERAGE_ALERT_THRESHOLD": ["1", "0.001"],
    "HISTORY_START": ["1999-01-04"],
    "LOG_LEVEL": ["DEBUG", "ERROR"],
    "COPPER_SYMBOLS": ["HG=F", "HG=F,MHG=F,QC=F", "LME-CU-3M"],
    "JP_WATCH_LIST": ["7203.T,285A.T,1306.T"],
    "US_WATCH_LIST": ["T,BRK-B,^GSPC,X-T,BF.B"],
    "CANARY_SYMBOLS": ["7203.T,285A.T,^N225,BRK-B,USDJPY=X,MHG=F"],
    "MAX_WORKERS": ["1", "200"],
    "COLLECTION_TIME": ["00:00", "07:45", "23:59"],
    "FROM_EMAIL": ["bot@example.org"],
    "TO_EMAIL": ["a@example.org,b@example.org"],
    "JPX_LIST_URL": ["/data/data_j.xls", "https://example.org/data_j.xls"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in RIGHT.items() for value in values]
)
def test_right_value_is_taken(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    taken = getattr(load_settings(), name.lower())
    shown = taken.get_secret_value() if name == "DATABASE_URL" else taken
    assert shown == (type(shown)(value) if isinstance(shown, int | float) else value)


@pytest.mark.parametrize(
    ("source", "base"),
    [("yahoo", "http://127.0.0.1:8900"), ("yahoo", "http://localhost:8900"), ("archive", YAHOO_BASE_URL)],
)
def test_a_rehearsal_has_a_clock_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str, base: str
) -> None:
    variables = {"PRICE_SOURCE": source, "ARCHIVE_DIR": str(tmp_path), "NOW": "2026-11-19T21:00:00+09:00"}
    for name, value in variables.items():
        monkeypatch.setenv(f"MIRAIKAKAKU_{name}", value)
    monkeypatch.setenv("YAHOO_BASE_URL", base)
    settings = load_settings()
    moment = datetime(2026, 11, 19, 12, tzinfo=UTC)
    assert settings.miraikakaku_now == moment
    clock = clock_of(settings)
    first, later = clock(), clock()
    assert moment <= first <= later
    assert later - first < timedelta(hours=1)
    assert clock_of(settings.model_copy(update={"miraikakaku_now": None})) is utc_now


@pytest.mark.parametrize(
    ("value", "base", "complaint"),
    [
        ("2026-11-19T12:00:00+00:00", YAHOO_BASE_URL, "point YAHOO_BASE_URL at a simulator"),
        ("2026-11-19T12:00:00+00:00", "http://127.0.0.1.example.org", "point YAHOO_BASE_URL at a simulator"),
        ("2026-11-19T12:00:00", "http://127.0.0.1:8900", "with its zone"),
        ("noon", "http://127.0.0.1:8900", "datetime"),
    ],
)
def test_a_moment_that_would_judge_real_bars_or_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str, base: str, complaint: str
) -> None:
    monkeypatch.setenv("MIRAIKAKAKU_NOW", value)
    monkeypatch.setenv("YAHOO_BASE_URL", base)
    with pytest.raises(ConfigurationError, match=f"^MIRAIKAKAKU_NOW: .*{complaint}"):
        load_settings()


def test_an_archive_is_named_and_there_where_prices_come_from_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MIRAIKAKAKU_ARCHIVE_DIR", "no/such/folder")
    assert load_settings().miraikakaku_price_source == "yahoo"
    monkeypatch.setenv("MIRAIKAKAKU_PRICE_SOURCE", "archive")
    must = r"^MIRAIKAKAKU_ARCHIVE_DIR: must name a file or folder of Parquet or CSV bars"
    with pytest.raises(ConfigurationError, match=must + ".* no/such/folder does not exist"):
        load_settings()
    monkeypatch.delenv("MIRAIKAKAKU_ARCHIVE_DIR")
    with pytest.raises(ConfigurationError, match=must + ".* it is not set"):
        load_settings()
    monkeypatch.setenv("MIRAIKAKAKU_ARCHIVE_DIR", str(tmp_path))
    assert load_settings().miraikakaku_archive_dir == tmp_path


def test_password_is_in_no_picture_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://user:{SECRET}@db.example.org/prices")
    settings = load_settings()
    pictures = [
        repr(settings),
        str(settings),
        f"{settings}",
        settings.model_dump_json(),
        str(settings.model_dump()),
    ]
    assert all(SECRET not in picture for picture in pictures)
    assert settings.database_url is not None
    assert SECRET in settings.database_url.get_secret_value()


def test_values_come_from_the_env_file_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("BURST_LIMIT=7\nMAX_WORKERS=3\nSOMETHING_ELSE=x\n")
    monkeypatch.setenv("MAX_WORKERS", "4")
    settings = load_settings()
    assert (settings.burst_limit, settings.max_workers) == (7, 4)


def test_wrong_value_in_the_env_file_is_refused_alike(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BURST_LIMIT=lots\n")
    with pytest.raises(ConfigurationError, match=r"^BURST_LIMIT: "):
        load_settings()


def test_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("BURST_LIMIT", "")
    assert load_settings().database_url is None
    assert load_settings().burst_limit == 20


def test_state_folder_is_absolute_and_the_tilde_is_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MIRAIKAKAKU_HOME", "~/state")
    assert load_settings().home == tmp_path / "state"
    monkeypatch.setenv("MIRAIKAKAKU_HOME", "here")
    assert load_settings().home == tmp_path / "here"


def test_named_symbols_are_read_once_each_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(load_settings().named_symbols("fx")) == 8
    assert load_settings().named_symbols("copper") == ("HG=F", "LME-CU-CASH", "LME-CU-3M")
    monkeypatch.setenv("FX_PAIRS", " EURUSD=X, USDJPY=X,EURUSD=X,")
    monkeypatch.setenv("COPPER_SYMBOLS", "MHG=F, HG=F,MHG=F,")
    assert load_settings().named_symbols("fx") == ("EURUSD=X", "USDJPY=X")
    assert load_settings().named_symbols("copper") == ("MHG=F", "HG=F")
    assert load_settings().named_symbols("jp") == load_settings().named_symbols("us") == ()


def test_watched_symbols_are_read_once_each_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().watch_list("jp") == load_settings().watch_list("us") == ()
    assert load_settings().watch_list("fx") == load_settings().named_symbols("fx")
    assert load_settings().watch_list("copper") == ()
    monkeypatch.setenv("JP_WATCH_LIST", " 9984.T, 285A.T,9984.T,")
    monkeypatch.setenv("US_WATCH_LIST", "BRK-B,^GSPC,AAPL")
    assert load_settings().watch_list("jp") == ("9984.T", "285A.T")
    assert load_settings().watch_list("us") == ("BRK-B", "^GSPC", "AAPL")


def test_canaries_are_one_of_each_kind_unless_they_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().canaries == ("7203.T", "285A.T", "AAPL", "USDJPY=X", "HG=F")
    monkeypatch.setenv("CANARY_SYMBOLS", "MSFT, 7203.T,MSFT")
    assert load_settings().canaries == ("MSFT", "7203.T")


def test_key_of_alpha_vantage_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPHA_VANTAGE_API_KEY", SECRET)
    settings = load_settings()
    assert SECRET not in f"{settings!r} {settings}"
    assert settings.alpha_vantage_api_key is not None
    assert settings.alpha_vantage_api_key.get_secret_value() == SECRET


WEBHOOKS = {
    "DISCORD_WEBHOOK_URL": [
        "https://discord.com/api/webhooks/417429632418316298/aB-_9",
        "https://discordapp.com/api/v10/webhooks/1/x?thread_id=2",
        "http://127.0.0.1:8123/api/webhooks/1/x",
    ],
    "SLACK_WEBHOOK_URL": [
        "https://hooks.slack.com/services/T0123/B0123/aBc",  # pragma: allowlist secret
        "http://127.0.0.1:8123/services/T0/B0/x",
    ],
    "NOTIFY_URLS": ["tgram://1:x/2", "ntfy://topic  json://127.0.0.1:8123/hook"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WEBHOOKS.items() for value in values]
)
def test_addresses_of_channels_are_taken_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    settings = load_settings()
    assert getattr(settings, name.lower()).get_secret_value() == value
    assert value not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_a_mail_server_needs_a_sender_and_somebody_to_write_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_SERVER", "mail.example.org")
    with pytest.raises(ConfigurationError, match=r"^FROM_EMAIL: must be set with SMTP_SERVER"):
        load_settings()
    monkeypatch.setenv("FROM_EMAIL", "bot@example.org")
    with pytest.raises(ConfigurationError, match=r"^TO_EMAIL: must be set with SMTP_SERVER"):
        load_settings()
    monkeypatch.setenv("TO_EMAIL", "a@example.org, b@example.org,a@example.org")
    assert load_settings().mail_recipients == ("a@example.org", "b@example.org")
    monkeypatch.delenv("SMTP_SERVER")
    assert load_settings().mail_recipients == ()


def test_a_database_may_be_named_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {
        "HOST": "db.example.org",
        "PORT": "5433",
        "NAME": "lme copper",
        "USER": "me",
        "PASSWORD": "p@ss:/",
    }
    for name, value in parts.items():
        monkeypatch.setenv(f"DB_{name}", value)
    named = load_settings().database_url
    assert named is not None
    assert named.get_secret_value() == "postgresql://me:p%40ss%3A%2F@db.example.org:5433/lme%20copper"

    monkeypatch.setenv("DATABASE_URL", "postgresql://other/d")
    other = load_settings().database_url
    assert other is not None
    assert other.get_secret_value() == "postgresql://other/d"

    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("DB_HOST")
    assert load_settings().database_url is None


def test_the_page_of_official_prices_is_that_of_a_simulated_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().official_prices_url.startswith("https://www.westmetall.com/de/")

    monkeypatch.setenv("YAHOO_BASE_URL", "http://127.0.0.1:8123/")
    assert load_settings().official_prices_url.startswith("http://127.0.0.1:8123/de/markdaten.php?")

    monkeypatch.setenv("WESTMETALL_URL", "http://127.0.0.1:9/page")
    monkeypatch.setenv("EIKON_APP_KEY", "secret")
    chosen = load_settings()
    assert chosen.official_prices_url == "http://127.0.0.1:9/page"
    assert chosen.lseg_app_key is not None
    assert chosen.lseg_app_key.get_secret_value() == "secret"
    assert "secret" not in repr(chosen)
