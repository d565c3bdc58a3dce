"""What 16,000, 64,000 and 1,000,000 instruments and 10⁹ bars need, from unit costs measured on this machine.

``python -m benchmarks.scaling --measure docs/scaling.md`` measures every stage at several sizes, each on a database of
its own, fits how its cost grows, and writes tables and a chart. ``--quick`` takes small sizes.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from benchmarks import results
from benchmarks.scaling import chart, page
from benchmarks.scaling.units import FULL, QUICK, measure

STORED = results.ROOT / ".cache" / "scaling.json"
"""What the newest run has measured; ignored by git."""
CHART = results.ROOT / "docs" / "images" / "scaling.png"


def main() -> None:
    """Measures, and writes the page and its chart, or prints the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument(
        "--measure", type=Path, help="page whose figures are written anew: docs/scaling.md; its chart, too"
    )
    options = parser.parse_args()
    measured = measure(QUICK if options.quick else FULL, lambda what: print(f"measuring {what}", flush=True))
    STORED.parent.mkdir(parents=True, exist_ok=True)
    STORED.write_text(json.dumps(asdict(measured), indent=1), encoding="utf-8")
    if options.measure is None:
        print(page.with_figures(f"{page.BEGIN}\n{page.END}", measured))
        return
    text = options.measure.read_text(encoding="utf-8")
    options.measure.write_text(page.with_figures(text, measured), encoding="utf-8")
    chart.draw(measured, CHART)
    print(f"written to {options.measure} and {CHART.relative_to(results.ROOT)}")


if __name__ == "__main__":
    main()
