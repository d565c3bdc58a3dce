"""What ``celery -A miraikakaku_assets.orchestration.celery.worker_app`` loads: the application with its task."""

import signal
from types import FrameType
from typing import Any

from miraikakaku_assets.orchestration.celery.app import EXECUTE_RUN, build_app
from miraikakaku_assets.settings import settings

_LOOK_AGAIN_SECONDS = 5.0

app = build_app(settings())


@app.task(bind=True, name=EXECUTE_RUN, max_retries=None)  # type: ignore[untyped-decorator]
def execute_run(self: Any, run_id: str) -> str:
    """Does a run unless somebody else does it.

    Args:
        self: The task.
        run_id: Of the run.

    Returns:
        What came of it.
    """
    from miraikakaku_assets.orchestration.celery.minder import RunNotFreeError, mind_run

    # Celery ends the processes of a worker that has to stop at once so; the run must end with this one.
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        return mind_run(run_id, self.request.hostname)
    except RunNotFreeError as error:
        raise self.retry(exc=error, countdown=_LOOK_AGAIN_SECONDS) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(1)
