"""Pages of the dashboard on a real database, without a browser: what they ask, and what they say when all is empty."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from sqlalchemy import event
from streamlit.runtime.caching import cache_utils
from streamlit.testing.v1 import AppTest

from miraikakaku_assets import bootstrap
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports.operations.assets import AssetHealth, AssetSnapshot, AssetState
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.faces.dashboard.reads import awaited
from miraikakaku_assets.faces.dashboard.registry import all_pages
from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.support.moments import NOW
from miraikakaku_assets_tests.support.patience import PATIENCE

NOWHERE = "http://127.0.0.1:9"
SLUGS = ("overview", "coverage", "patterns", "operations")


def draw(slug: str) -> None:
    """What AppTest runs: a page of the installation of this process."""
    from miraikakaku_assets.bootstrap import ports
    from miraikakaku_assets.faces.api.keys import ANONYMOUS
    from miraikakaku_assets.faces.dashboard.language import Language
    from miraikakaku_assets.faces.dashboard.page import View
    from miraikakaku_assets.faces.dashboard.panels import told
    from miraikakaku_assets.faces.dashboard.registry import all_pages
    from miraikakaku_assets.faces.dashboard.theme import Theme

    page = next(page for page in all_pages() if page.slug == slug)
    view = View(ports(), ports(), Language.EN, Theme(), ANONYMOUS)
    with told(view):
        page.render(view)


@contextmanager
def installation(url: str, folder: Path) -> Iterator[Ports]:
    st.cache_data.clear()
    settings = Settings(
        _env_file=None,
        miraikakaku_home=folder,
        database_url=url,
        dagster_url=NOWHERE,
        log_file="off",
    )
    use = bootstrap.use(settings, lambda: NOW)
    try:
        yield use
    finally:
        if "async_database" in vars(use.serving):
            awaited(use.serving.async_database.close())
        use.close()


def shown(slug: str) -> AppTest:
    app = AppTest.from_function(draw, args=(slug,), default_timeout=PATIENCE)
    app.run()
    assert not app.exception, [item.value for item in app.exception]
    return app


def words(app: AppTest) -> str:
    kinds: tuple[Any, ...] = (app.markdown, app.caption, app.error, app.code, app.subheader)
    return "\n".join(str(item.value) for kind in kinds for item in kind)


@pytest.mark.parametrize("slug", SLUGS)
def test_an_empty_installation_is_told_what_to_do(slug: str, database: Database, tmp_path: Path) -> None:
    with installation(database.url, tmp_path):
        app = shown(slug)
        said = words(app)
        assert not app.error
        assert "miraikakaku " in said, said


@pytest.mark.parametrize("slug", SLUGS)
def test_a_database_that_is_away_is_a_sentence_with_the_remedy(slug: str, tmp_path: Path) -> None:
    with installation("postgresql://reader:secret@127.0.0.1:9/prices", tmp_path):
        app = shown(slug)
        assert app.error
        for item in app.error:
            assert "miraikakaku db start" in item.value
            assert "secret" not in item.value


def test_a_page_asks_few_questions_and_a_second_look_asks_none(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However long a busy machine takes from one look to the next, what was read is not too old.
    monkeypatch.setattr(cache_utils, "TTLCACHE_TIMER", lambda: 0.0)
    asked: list[tuple[str, int]] = []

    def note(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        asked.append((statement, cursor.rowcount))

    most = {"overview": 8, "coverage": 6, "patterns": 4, "operations": 12}
    with installation(database.url, tmp_path) as use:
        _ = use.database
        event.listen(use.database.engine, "after_cursor_execute", note)
        for slug in SLUGS:
            asked.clear()
            shown(slug)
            assert 0 < len(asked) <= most[slug], [statement for statement, _ in asked]
            assert sum(rows for _, rows in asked) <= 200
            asked.clear()
            shown(slug)
            assert asked == []


def test_what_pages_read_with_cannot_write(database: Database, tmp_path: Path) -> None:
    from sqlalchemy.exc import InternalError

    with installation(database.url, tmp_path) as use:
        reading = use.for_reading.opened
        refusing = pytest.raises(InternalError, match="read-only transaction")
        with reading.engine.connect() as connection, refusing:
            connection.exec_driver_sql("DELETE FROM miraikakaku.alerts")
        with reading.engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "1min"
        reading.close()


def test_the_assets_are_as_they_were_looked_at_last(database: Database, tmp_path: Path) -> None:
    broken = AssetHealth("us/coverage", AssetState.DEGRADED, ("its newest run failed",), None)
    with installation(database.url, tmp_path) as use:
        _ = use.database
        use.operations.asset_health_snapshot.replace(AssetSnapshot(NOW - timedelta(minutes=9), [broken]))
        app = shown("overview")
        assert "us: Degraded" in words(app)
        assert "(9 min ago)" in words(app)
        assert "its newest run failed" in str(app.dataframe[0].value.to_dict())
        st.cache_data.clear()
        use.operations.asset_health_snapshot.replace(AssetSnapshot(NOW - timedelta(minutes=8), []))
        later = bootstrap.use(use.settings, lambda: NOW + timedelta(minutes=3))
        assert "nobody has looked since" in words(shown("overview"))
        later.opened.close()


def test_the_pages_that_are_tested_are_pages() -> None:
    assert set(SLUGS) <= {page.slug for page in all_pages()}
