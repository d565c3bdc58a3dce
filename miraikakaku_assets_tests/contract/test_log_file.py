"""The log file: one JSON object a line whoever writes, rotated, without a secret."""

import json
import logging
import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from miraikakaku_assets.adapters.files.json_log import FIELDS, JsonLineFormatter, JsonLineHandler
from miraikakaku_assets.adapters.storage.collection.ledger import PostgresLedger
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports import Calls, NewBatch, SymbolOutcome
from miraikakaku_assets.bootstrap.log_file import open_log
from miraikakaku_assets.domain.errors import PermanentSymbolError
from miraikakaku_assets.domain.market.instruments import Timeframe
from miraikakaku_assets.domain.market.universes import JP
from miraikakaku_assets.settings import Settings

WRITER = textwrap.dedent("""
    import logging, sys
    from pathlib import Path
    from miraikakaku_assets.adapters.files.json_log import JsonLineFormatter, JsonLineHandler

    handler = JsonLineHandler(Path(sys.argv[1]), JsonLineFormatter(()), largest=20_000)
    logger = logging.getLogger("writer")
    logger.addHandler(handler)
    logger.setLevel("INFO")
    for number in range(300):
        logger.info("line %s", number, extra={"worker": sys.argv[2], "records": number})
""")


def lines(folder: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()
    ]


def test_processes_write_at_once_and_nothing_is_lost_or_torn(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "a.jsonl"), str(number)])
        for number in range(3)
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0]

    written = sorted((line["worker"], line["records"]) for line in lines(tmp_path))
    assert written == sorted((str(worker), number) for worker in range(3) for number in range(300))
    sizes = [file.stat().st_size for file in tmp_path.glob("*.jsonl")]
    assert len(sizes) > 3
    assert max(sizes) <= 20_000


def test_an_old_file_makes_room(tmp_path: Path) -> None:
    handler = JsonLineHandler(tmp_path / "a.jsonl", JsonLineFormatter(()), oldest=timedelta(days=7))
    for created in (0.0, 6 * 86_400.0, 8 * 86_400.0):
        record = logging.makeLogRecord({"msg": "m", "created": created, "levelname": "INFO", "name": "n"})
        handler.emit(record)

    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 1
    assert [file.name for file in tmp_path.glob("a-*.jsonl")] == ["a-19700109T000000Z-0.jsonl"]


def test_a_collection_writes_a_line_per_symbol_without_secrets(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "log" / "batch.jsonl"
    settings = Settings(
        _env_file=None,
        miraikakaku_home=tmp_path,
        log_file=str(path),
        database_url=SecretStr("postgresql://u:s3cr%40t%21@host/db"),
    )
    try:
        open_log(settings)
        ledger = PostgresLedger(database)
        batch = ledger.begin(NewBatch(JP, Timeframe.D1, "yahoo", total=2))
        broken = PermanentSymbolError("1301.T", "refused", "no answer for u:s3cr@t!")
        ledger.add(
            batch,
            [
                SymbolOutcome("7203.T", "ok", rows_read=3, inserted=3, calls=Calls(2, 1.5)),
                SymbolOutcome("1301.T", "refused", error=broken, calls=Calls(1, 0.25)),
            ],
        )
    finally:
        open_log(settings.model_copy(update={"log_file": "off"}))

    good, bad = lines(path.parent)
    assert list(good) == ["ts", "level", *FIELDS, "logger", "message"]
    assert good | {"ts": 0, "worker": 0} == {
        "ts": 0,
        "level": "INFO",
        "batch": batch,
        "worker": 0,
        "symbol": "7203.T",
        "action": "data_save",
        "status": "success",
        "duration_ms": 1500.0,
        "records": 3,
        "error": None,
        "retry": 1,
        "logger": "miraikakaku_assets.adapters.storage.collection.outcome_log",
        "message": "7203.T 1d: ok",
    }
    assert (bad["level"], bad["status"], bad["action"]) == ("WARNING", "failed", "error_occurred")
    assert "no answer for u:***" in bad["error"]
    assert path.stat().st_mode & 0o077 == 0
