"""The Celery application that launcher and workers share: one queue in Redis, one task.

A task names a run and nothing else: what the run does is in Dagster's tables. It is acknowledged when it has ended and
is delivered once more when its worker is gone, so none is lost; the lease of the run keeps it from being done twice.
"""

from typing import Any

from miraikakaku_assets.domain.errors import ConfigurationError, DependencyUnavailableError
from miraikakaku_assets.settings import Settings

QUEUE = "dagster"
EXECUTE_RUN = "miraikakaku.execute_run"
"""Name of the task; its only argument is the id of a run."""
_REDELIVERY_SLACK = 10.0  # seconds; by then the lease of a worker that is gone is lost for certain
_CONNECT_SECONDS = 5.0
_RESULTS_KEPT = 86_400  # seconds


def broker_url(settings: Settings) -> str:
    """Redis of the queue.

    Raises:
        ConfigurationError: None is set.
    """
    if settings.celery_broker_url is None:
        raise ConfigurationError(
            "CELERY_BROKER_URL: runs reach workers through Redis; set it to redis://:password@host:6379/0"
        )
    return settings.celery_broker_url.get_secret_value()


def build_app(settings: Settings) -> Any:  # Celery has no annotations
    """The application, not yet connected.

    Args:
        settings: Of the installation.

    Raises:
        ConfigurationError: No Redis is set, or the extra ``celery`` is not installed.
    """
    broker, results = broker_url(settings), settings.celery_result_url
    try:
        from dagster_celery.make_app import make_app
    except ImportError:
        raise missing_extra() from None
    options: dict[str, Any] = {
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_track_started": True,
        "worker_prefetch_multiplier": 1,
        "broker_connection_retry_on_startup": True,
        # A worker that has lost Redis goes on with its run: the lease is in PostgreSQL.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "broker_transport_options": {
            "visibility_timeout": settings.run_lost_after + _REDELIVERY_SLACK,
            "socket_connect_timeout": _CONNECT_SECONDS,
            "socket_keepalive": True,
            "max_retries": 3,
            "interval_start": 0,
            "interval_step": 0.2,
            "interval_max": 0.5,
        },
        "result_persistent": True,
        "result_expires": _RESULTS_KEPT,
        "task_default_queue": QUEUE,
    }
    return make_app(  # type: ignore[no-untyped-call]
        {
            "broker": broker,
            "backend": results.get_secret_value() if results else broker,
            "config_source": options,
        }
    )


def require_broker(settings: Settings) -> None:
    """Refuses to begin without the queue.

    Raises:
        ConfigurationError: No Redis is set, or the extra ``celery`` is not installed.
        DependencyUnavailableError: Redis does not answer, or does not let us in.
    """
    url = broker_url(settings)
    try:
        import redis
    except ImportError:
        raise missing_extra() from None
    client = redis.Redis.from_url(
        url, socket_connect_timeout=_CONNECT_SECONDS, socket_timeout=_CONNECT_SECONDS
    )
    try:
        client.ping()
    except redis.RedisError as error:  # its message names host and port and no password
        raise DependencyUnavailableError(
            f"CELERY_BROKER_URL: Redis cannot be used ({error}); start it, or correct the address"
        ) from None
    finally:
        client.close()


def missing_extra() -> ConfigurationError:
    """What is said where Celery is not installed."""
    return ConfigurationError(
        "Workers need the extra celery, which is not installed; pip install 'miraikakaku-assets[celery]'"
    )
