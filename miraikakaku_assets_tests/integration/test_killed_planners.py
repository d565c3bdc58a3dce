"""A planner killed at any of its statements: nothing of its plan is stored, and the next one tells everybody once."""

import textwrap

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.migrate import upgrade
from miraikakaku_assets_tests.support.alerting.desk import Desk
from miraikakaku_assets_tests.support.killing import kill_at_work

pytestmark = pytest.mark.slow

PLAN = textwrap.dedent("""
    import sys
    from datetime import datetime
    from sqlalchemy import event
    from miraikakaku_assets.adapters.storage.engine import Database
    from miraikakaku_assets_tests.support.alerting.desk import Desk

    database, statements = Database(sys.argv[1]), int(sys.argv[3])
    desk = Desk(database)
    desk.now = datetime.fromisoformat(sys.argv[2])
    database.engine.connect().close()
    print("ready", flush=True)
    sys.stdin.readline()

    @event.listens_for(database.engine, "after_cursor_execute")
    def count(connection, cursor, statement, *_):
        global statements
        statements -= 1
        if statements == 0:
            print("stored", flush=True)
            sys.stdin.readline()

    desk.plan()
    print("stored", flush=True)
    sys.stdin.readline()
""")
CONTENTS = text("""
    SELECT (SELECT count(*) FROM miraikakaku.notification_outbox),
           (SELECT count(*) FROM miraikakaku.notification_members),
           (SELECT count(*) FROM miraikakaku.alerts WHERE told_at IS NOT NULL)
""")


def test_a_planner_killed_between_any_two_statements_has_done_nothing(database_url: str) -> None:
    database = Database(database_url)
    upgrade(database)
    desk = Desk(database)
    desk.raises("cycle/fx/a", "cycle/fx/b")
    desk.passes(seconds=31)
    desk.titles()
    desk.ends("cycle/fx/a")
    desk.raises("cycle/jp/c")
    desk.passes(seconds=20, step=20)
    desk.ends("cycle/fx/b")
    desk.now += desk.planning.policy.first_quiet
    with database.engine.connect() as connection:
        before = connection.execute(CONTENTS).one()
    for statement in (2, 4, 6, 8, 10, 12):
        kill_at_work(PLAN, database_url, desk.now.isoformat(), str(statement), stored=1)
        with database.engine.connect() as connection:
            assert connection.execute(CONTENTS).one() == before
    for _ in range(3):
        desk.deliver()
    assert sorted(desk.titles()) == ["cycle/jp/c", "【解消】cycle fx: 2件が解消しました"]
    database.close()
