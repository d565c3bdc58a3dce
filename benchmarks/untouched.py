"""Runs the untouched part of every set of evidence and stores what came of it, with the commit.

``python -m benchmarks.untouched [--quick] [--only jp_evening,lme_3m]``
"""

import argparse
import json
import sys

from benchmarks import forecasting, results


def main() -> None:
    """Runs and stores; exits 3 without real market data."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.untouched", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few origins and instruments")
    parser.add_argument("--only", default="", help="comma-separated sets")
    arguments = parser.parse_args()
    data = forecasting.real_data()
    if data is None:
        sys.stderr.write("real market data are needed: set MIRAIKAKAKU_REAL_DATA\n")
        sys.exit(3)
    made = forecasting.run_untouched(data, quick=arguments.quick, names=arguments.only)
    stored = {"commit": results.commit(), "machine": results.machine(), **made}
    text = json.dumps(stored, indent=1, ensure_ascii=False) + "\n"
    forecasting.STORED.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{forecasting.STORED}\n")


if __name__ == "__main__":
    main()
