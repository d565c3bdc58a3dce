"""Every setting with its default, and what is derived from several of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from miraikakaku_assets.domain.market.universes import COPPER, FX, JP, US, universe
from miraikakaku_assets.domain.market.universes.record import Default
from miraikakaku_assets.domain.patterns.definitions import DEFAULT, NAMES
from miraikakaku_assets.domain.words import named_in
from miraikakaku_assets.settings import checks
from miraikakaku_assets.settings.price_sources import LOOPBACK, PriceSourceSettings, web_location

JPX_LIST_URL = "https://www.jpx.co.jp/markets/statistics-equities/misc/tvdivq0000001vg2-att/data_j.xls"
NASDAQ_LISTED_URL = "https://www.nasdaqtrader.com/dynamic/SymDir/nasdaqlisted.txt"
OTHER_LISTED_URL = "https://www.nasdaqtrader.com/dynamic/SymDir/otherlisted.txt"
ALPHA_VANTAGE_BASE_URL = "https://www.alphavantage.co"
CANARY_SYMBOLS = "7203.T,285A.T,AAPL,USDJPY=X,HG=F"

if TYPE_CHECKING:
    PatternDefinition = str
else:
    PatternDefinition = Literal[NAMES]


class Settings(PriceSourceSettings):
    """Everything the environment may say. Field names are the variables' names in lower case."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True)

    miraikakaku_home: checks.StateFolder = Path(".miraikakaku")
    """State of this installation: postgres/, dagster/, backups/, cold/, logs/, models/, reports/, …."""
    database_url: checks.PostgresUrl = None
    """External PostgreSQL (``postgresql://…``); unset means that of DB_HOST, or the embedded server."""
    database_reader_url: checks.PostgresUrl = None
    """The same database in the role that only reads, for whoever shows data; unset: see docs/security.md."""
    database_api_url: checks.PostgresUrl = None
    """The same database in the role of the REST API, which accepts jobs and responds to alerts; unset likewise."""
    db_host: str = ""
    """Host of an external PostgreSQL where DATABASE_URL is unset; the other DB_ variables go with it."""
    db_port: Annotated[int, Field(gt=0, lt=65536)] = 5432
    db_name: str = "miraikakaku"
    db_user: str = "postgres"
    db_password: SecretStr | None = None
    jpx_list_url: checks.AddressOrFile = JPX_LIST_URL
    """URL or file path of ``data_j.xls``."""
    nasdaq_listed_url: checks.AddressOrFile = NASDAQ_LISTED_URL
    """URL or file path of ``nasdaqlisted.txt``."""
    other_listed_url: checks.AddressOrFile = OTHER_LISTED_URL
    """URL or file path of ``otherlisted.txt``."""
    alpha_vantage_api_key: SecretStr | None = None
    """Unset means that Alpha Vantage is not asked; the exchanges' directories do without it."""
    alpha_vantage_base_url: checks.WebAddress = ALPHA_VANTAGE_BASE_URL
    miraikakaku_now: checks.Moment = None
    """When a rehearsal takes place (UTC here): the clock of every process begins at this moment and goes on."""
    miraikakaku_faults: checks.FaultOrders = ""
    """Fault points at which processes fail on purpose, on simulated prices only; CONTRIBUTING.md has the words."""
    fx_pairs: checks.CurrencyPairs = ",".join(FX.named.value)
    """Currency pairs that are collected, symbols with commas between them."""
    copper_symbols: checks.CopperFutures = ",".join(COPPER.named.value)
    """Copper that is collected, COMEX futures and the LME's official prices, symbols with commas between them."""
    collection_time: checks.TimeOfDay = "07:00"
    """When copper is collected on weekdays, HH:MM in Tokyo."""

    jp_watch_list: checks.TokyoSymbols = ""
    """TSE symbols whose five-minute bars are collected, with commas between them; none by default."""
    us_watch_list: checks.UsSymbols = ""
    """US symbols whose five-minute bars are collected, with commas between them; none by default."""

    requests_per_second: Annotated[float, Field(ge=0.01, le=100_000, allow_inf_nan=False)] = 5.0
    burst_limit: Annotated[int, Field(gt=0, le=100_000)] = 20
    max_workers: Annotated[int, Field(gt=0, le=200)] = 10
    worker_timeout: Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)] = 30.0
    """Seconds before one HTTP request is given up."""
    max_retries: Annotated[int, Field(ge=0, le=20)] = 3
    retry_delay: Annotated[float, Field(ge=0, le=3_600, allow_inf_nan=False)] = 2.0
    """Seconds before the first retry."""
    backoff_multiplier: Annotated[float, Field(ge=1, le=10, allow_inf_nan=False)] = 2.0
    canary_symbols: checks.AnySymbols = CANARY_SYMBOLS
    """Symbols by which the health of the price source is judged, with commas between them; one of each kind."""
    batch_size: Annotated[int, Field(gt=0, le=5_000)] = 50
    """Symbols whose bars are written in one transaction when they arrive one by one."""

    min_japanese_stocks: checks.Many = JP.least_issues.value
    min_us_stocks: checks.Many = US.least_issues.value
    min_etfs: checks.Many = 2900
    coverage_alert_threshold: Annotated[float, Field(gt=0, le=1)] = 0.95
    """Share of expected sessions below which a segment's coverage is reported as below threshold."""

    price_basis: Literal["raw", "split_adjusted", "adjusted"] = "split_adjusted"
    """Prices that indicators and patterns are computed from; a change computes all of them anew."""
    pattern_definition: PatternDefinition = DEFAULT
    """Definition of the six patterns that is looked for."""
    max_processing_time: checks.Seconds = 300.0
    """Seconds a five-minute cycle may take before a warning; twice as long is critical."""
    min_success_rate: Annotated[float, Field(gt=0, le=1)] = 0.95
    """Share of a cycle's symbols that should be processed; below it is noted, below 0.90 is a warning."""
    max_error_count: Annotated[int, Field(gt=0, le=1_000)] = 5
    """Cycles in a row that may fail altogether before it is critical."""

    discord_webhook_url: checks.DiscordWebhook = None
    """``https://discord.com/api/webhooks/…``; unset means that nothing is sent there."""
    slack_webhook_url: checks.SlackWebhook = None
    """``https://hooks.slack.com/services/…``."""
    smtp_server: str = ""
    smtp_port: Annotated[int, Field(gt=0, lt=65536)] = 587
    from_email: checks.MailAddresses = Field("", validate_default=True)
    """Sender of e-mails and name of the account at SMTP_SERVER."""
    to_email: checks.MailAddresses = Field("", validate_default=True)
    """Who gets e-mails, addresses with commas between them."""
    email_password: SecretStr | None = None
    notify_urls: checks.AppriseUrls = None
    """Further channels as Apprise URLs, with blanks between them, e.g. ``tgram://bottoken/chat``."""
    alertmanager_webhook_url: checks.SecretWebAddress = None
    """Address of a program that takes Alertmanager's webhook JSON (version 4)."""
    alert_routes: checks.AlertRoutes = ""
    """Who is told what, e.g. ``high=discord,email low=digest L2=email``; docs/notifications.md has the words."""
    alert_group_wait: Annotated[float, Field(ge=0, le=3_600, allow_inf_nan=False)] = 30.0
    """Seconds for which an alert waits for others of its kind and universe, to be told in one message."""
    alert_digest_time: checks.TimeOfDay = "09:00"
    """When alerts of the level low are told, once a day, HH:MM in Tokyo."""

    healthcheck_url: checks.PingAddress = None
    """Dead man's switch that schedules ping, ``https://hc-ping.com/PING-KEY``; a secret. Unset: nobody is pinged."""
    osv_dump: checks.LocalPath = None
    """OSV's dump of PyPI's advisories (``all.zip``); unset: the newest zip in ``advisories/`` of the state folder."""
    osv_dump_max_age_days: Annotated[int, Field(ge=1, le=365)] = 7
    """Days since the newest advisory of the dump from which on it is reported as too old."""

    api_key: SecretStr | None = None
    """Key of the REST API, with all scopes; unset and without API_KEYS_FILE there is no authentication."""
    api_keys_file: checks.LocalPath = None
    """Further keys of the REST API: a line ``name sha256 scopes`` each, readable by its owner only."""
    rate_limit_per_minute: Annotated[int, Field(gt=0, le=10_000_000)] = 60
    """Requests a minute that one key may send to the REST API."""
    api_allowed_origins: checks.Origins = "https://pro.openbb.co"
    """Sites whose pages may ask the REST API from a browser, with a key; commas between them. This machine's may."""
    dagster_url: checks.WebAddress = "http://127.0.0.1:3000"
    """Where Dagster's web server answers, for the REST API."""
    dashboard_url: checks.WebAddress = "http://127.0.0.1:8501"
    """Where people open the dashboard: links of assets, runs and alerts go there."""

    restatement_sessions: Annotated[int, Field(ge=1, le=1_000)] = 10
    """Newest sessions that every collection asks for again, because sources restate them."""
    history_start: checks.Day = "2020-01-01"
    """First day asked for when a symbol has no bars yet."""
    partitions_per_run: checks.Many = 250
    backup_time: checks.TimeOfDay = "02:00"
    """When the daily backup is made, HH:MM in Tokyo."""
    backup_keep_daily: Annotated[int, Field(ge=1, le=366)] = 7
    """Days that keep their newest backup."""
    backup_keep_weekly: Annotated[int, Field(ge=0, le=520)] = 4
    """Weeks that do."""
    backup_keep_monthly: Annotated[int, Field(ge=0, le=240)] = 12
    """Months that do."""
    backup_wal: Literal["off", "on"] = "off"
    """Whether the embedded server archives its write-ahead log and the daily backup copies its data folder, so that
    ``restore --to-time`` can go back to any moment."""
    backup_wal_days: Annotated[int, Field(ge=1, le=366)] = 2
    """Days for which every moment can be gone back to."""
    cold_after_days: checks.ColdDays = None
    """Days after which months of five-minute bars leave the database for files below ``cold/``; unset: they stay."""
    report_retention_days: checks.Days = 30
    """Days for which files below ``reports/`` stay."""
    log_retention_days: checks.Days = 30
    """Days for which files below ``logs/`` stay."""
    master_retention_days: checks.Days = 30
    """Days for which the copies of the stock masters that are made before each update stay."""
    ledger_retention_days: checks.Days = 90
    """Days for which collections with their symbols and requests stay, then their daily figures do."""
    cycle_retention_days: checks.Days = 30
    """Days for which ended cycles stay, then their daily figures do."""
    alert_retention_days: checks.Days = 90
    """Days for which alerts that are over stay with their notifications, then their daily figures do."""
    probe_retention_days: checks.Days = 30
    """Days for which answers of the canaries stay, then their daily figures do."""
    bulk_job_retention_days: checks.Days = 30
    """Days for which bulk jobs that have ended stay with their idempotency keys, then their daily figures do."""
    bulk_result_retention_days: checks.Days = 7
    """Days for which the files of bulk jobs stay."""
    model_retention_days: checks.Days = 90
    """Days for which files of models stay that no newest training of a model names."""
    event_log_retention_days: Annotated[int, Field(gt=0, le=3_650)] = 30
    """Days for which Dagster's web UI keeps runs and asset events that newer ones have overtaken."""
    system_metrics_retention_days: Annotated[int, Field(gt=0, le=3_650)] = 90
    """Days for which samples of health checks and reviews of performance are kept."""
    quality_retention_days: Annotated[int, Field(gt=0, le=3_650)] = 365
    """Days for which the results of checks of stored data are kept."""
    dagster_storage: Literal["pooled", "stock"] = "pooled"
    """``stock`` goes back to Dagster's own PostgreSQL storage (one connection per event)."""
    dagster_yaml: checks.LocalPath = None
    """Configuration of the Dagster instance, instead of the shipped one; e.g. deploy/celery/dagster.yaml."""
    celery_broker_url: checks.RedisUrl = None
    """Redis through which runs reach the workers (``redis://:password@host:6379/0``); a secret. Unset: no workers."""
    celery_result_url: checks.RedisUrl = None
    """Redis that keeps how the workers' tasks ended; a secret. Unset: that of CELERY_BROKER_URL."""
    run_lost_after: Annotated[float, Field(ge=3, le=600, allow_inf_nan=False)] = 30.0
    """Seconds without a sign of life after which the worker of a run counts as gone."""
    miraikakaku_schedules: Literal["off", "on"] = "off"
    """Whether schedules run by default; `miraikakaku schedule` turns them on for what it starts."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_file: checks.FileName = ""
    """File of JSON lines; empty: ``logs/miraikakaku.jsonl`` below the state folder; ``off``: none."""

    @model_validator(mode="before")
    @classmethod
    def _texts(cls, values: Any) -> Any:
        """No database and no protocol takes bytes that are no text, or the character NUL."""
        for name, value in values.items() if isinstance(values, dict) else ():
            if isinstance(value, str) and (
                "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value)
            ):
                raise ValueError(f"{str(name).upper()}: must be UTF-8 text without the character NUL")
        return values

    @model_validator(mode="before")
    @classmethod
    def _database_of_parts(cls, values: Any) -> Any:
        """DATABASE_URL from the DB_ variables, where it is not set itself."""
        if not isinstance(values, dict) or values.get("database_url") or not values.get("db_host"):
            return values
        user = quote(str(values.get("db_user") or cls.model_fields["db_user"].default), safe="")
        secret = values.get("db_password")
        password = secret.get_secret_value() if isinstance(secret, SecretStr) else secret
        login = f"{user}:{quote(str(password), safe='')}" if password else user
        port = values.get("db_port") or cls.model_fields["db_port"].default
        name = quote(str(values.get("db_name") or cls.model_fields["db_name"].default), safe="")
        return {**values, "database_url": f"postgresql://{login}@{values['db_host']}:{port}/{name}"}

    @field_validator("backup_wal")
    @classmethod
    def _embedded_only(cls, value: str, info: ValidationInfo) -> str:
        if value == "on" and info.data.get("database_url") is not None:
            raise ValueError(
                "is for the embedded PostgreSQL; the server of DATABASE_URL archives its log by its own settings "
                "(archive_mode, archive_command): set it off"
            )
        return value

    @field_validator("miraikakaku_now")
    @classmethod
    def _rehearsed(cls, value: checks.Moment, info: ValidationInfo) -> checks.Moment:
        located = web_location(info.data)
        if value and located and urlsplit(located[1]).hostname not in LOOPBACK:
            raise ValueError(  # real bars, judged by a wrong clock, would be stored as final or as from the future
                "is for simulated and recorded prices; unset it, or point "
                f"{located[0].upper()} at a simulator on this machine"
            )
        return value

    def watch_list(self, name: str) -> tuple[str, ...]:
        """Symbols of a universe whose five-minute bars are collected, each once."""
        return self._symbols_of(universe(name).watched)

    def named_symbols(self, name: str) -> tuple[str, ...]:
        """Symbols of a universe that no exchange publishes a list of, each once; none of any other."""
        return self._symbols_of(universe(name).named)

    def least_issues(self, name: str) -> int:
        """How many issues of a universe should be listed: as many as are named, where no exchange publishes a list."""
        market = universe(name)
        setting = market.least_issues.setting
        least: int = getattr(self, setting.lower()) if setting else market.least_issues.value
        return least if market.has_master else len(self.named_symbols(name))

    def _symbols_of(self, default: Default[tuple[str, ...]]) -> tuple[str, ...]:
        if not default.setting:
            return default.value
        return tuple(named_in(getattr(self, default.setting.lower())))

    @property
    def mail_recipients(self) -> tuple[str, ...]:
        """The addresses of TO_EMAIL, each once; none without SMTP_SERVER."""
        return tuple(named_in(self.to_email)) if self.smtp_server else ()

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The sites of API_ALLOWED_ORIGINS, each once."""
        return tuple(named_in(self.api_allowed_origins))

    @property
    def canaries(self) -> tuple[str, ...]:
        """The symbols of CANARY_SYMBOLS, each once."""
        return tuple(named_in(self.canary_symbols))

    @property
    def home(self) -> Path:
        """Absolute path of the state folder."""
        return self.miraikakaku_home.expanduser().resolve()
