"""A pattern that is added by its walk-through can be chosen, gives signals and has its words."""

import json
from pathlib import Path

from miraikakaku_assets_tests.walkthroughs.follow import follow

COMMAND = "from miraikakaku_assets.main import run; run()"

PROGRAM = """
import json, os
from miraikakaku_assets.application.analysis.signal_message import pattern_message
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import FX, Timeframe
from miraikakaku_assets.domain.patterns.detection import signals
from miraikakaku_assets.orchestration.analysis.assets import derived_specs
from miraikakaku_assets.settings import load_settings
from miraikakaku_assets_tests.support.bars.pattern_frames import noise

chosen = load_settings().pattern_definition
shown = signals(noise(1), chosen)
new = shown.filter(pattern="7")
sell = new.filter(direction="SELL").row(0, named=True)
message = pattern_message("fx", sell | {"at": sell["at"].isoformat(), "close": 100.0})
os.environ["PATTERN_DEFINITION"] = "v9"
try:
    load_settings()
except ConfigurationError as error:
    refusal = str(error)
schema = derived_specs(FX, Timeframe.M5)[-1].metadata["dagster/column_schema"]
print(json.dumps({
    "directions": sorted(set(new["direction"])),
    "definition": sorted(set(shown["definition"])),
    "others": sorted(set(shown["pattern"])),
    "evidence": json.loads(sell["evidence"]),
    "message": message,
    "refusal": refusal,
    "description": {column.name: column.description for column in schema.columns}["definition"],
}))
"""


def test_it_can_be_chosen_and_gives_signals(tmp_path: Path) -> None:
    checkout = follow("Adding a pattern", tmp_path)
    report = json.loads(checkout.python("-c", PROGRAM, PATTERN_DEFINITION="v3"))
    assert report["directions"] == ["BUY", "SELL"]
    assert report["definition"] == ["v3"]
    assert {"1", "2", "2-2", "4", "7"} <= set(report["others"])
    assert report["evidence"]["d1.body"] < -report["evidence"]["d1.atr_14"]
    title, text = report["message"]
    assert title.startswith("【売り】大陰線")
    assert "実体 -" in text
    assert "'v1', 'v2' or 'v3'" in report["refusal"]
    assert report["description"] == "v1 or v2 or v3"
    assert "v1 or v2 or v3" in " ".join(
        checkout.python("-c", COMMAND, "patterns", "--help", COLUMNS="200").split()
    )
