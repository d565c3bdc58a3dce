"""A deliverer killed between claim and mark: what it was sending is sent again, and nothing is lost."""

import os
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest

from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.migrate import upgrade
from miraikakaku_assets_tests.fakes.webhook_receiver import DISCORD_PATH, Receiver, Reply, webhook_receiver
from miraikakaku_assets_tests.support.markets.signal_alerts import NOW, plain
from miraikakaku_assets_tests.support.patience import PATIENCE, until

pytestmark = pytest.mark.slow

DELIVER = textwrap.dedent("""
    import os
    from datetime import timedelta
    from miraikakaku_assets.application.alerting.deliver_notifications import deliver_notifications
    from miraikakaku_assets.bootstrap import ports

    deliver_notifications(ports().notices.delivery, timedelta(hours=1))
    print("done", flush=True)
    ports().database.close()
""")


def deliverer(database_url: str, receiver: Receiver, home: Path) -> subprocess.Popen[str]:
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "DISCORD_WEBHOOK_URL": receiver.discord,
        "MIRAIKAKAKU_HOME": str(home),
    }
    command = [sys.executable, "-c", DELIVER]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=home)


def test_killed_between_claim_and_mark_it_is_sent_again_and_nothing_is_lost(
    database_url: str, tmp_path: Path
) -> None:
    database = Database(database_url)
    upgrade(database)
    store = PostgresAlerts(database)
    keys = [f"{number:02}" for number in range(12)]
    store.raise_alerts([plain(key, "discord") for key in keys], NOW)
    with webhook_receiver() as receiver:
        for stop_at in (1, 3, 4):
            receiver.script(
                DISCORD_PATH, *[Reply()] * stop_at, Reply(delay=2 * PATIENCE)
            )  # it has it, and says nothing
            received = len(receiver.got)
            with deliverer(database_url, receiver, tmp_path) as process:
                until(lambda: len(receiver.got) > received + stop_at or process.poll() is not None)  # noqa: B023
                os.kill(process.pid, signal.SIGKILL)
            left = store.waiting(["discord"])["discord"]
            assert 0 < left < 12
        receiver.script(DISCORD_PATH, Reply())
        with deliverer(database_url, receiver, tmp_path) as process:
            assert process.communicate(timeout=PATIENCE)[0] == "done\n"
        titles = [
            request.text.splitlines()[0].strip("*").removeprefix("title of ") for request in receiver.got
        ]
    database.close()
    assert list(dict.fromkeys(titles)) == keys
    doubled = [key for key, times in Counter(titles).items() if times > 1]
    assert Counter(titles).most_common(1)[0][1] == 2
    assert len(doubled) == 3  # one for each kill
