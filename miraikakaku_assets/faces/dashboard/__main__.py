"""The dashboard as a process of its own; whoever starts it has upgraded the database."""

import argparse
import sys

from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.faces.dashboard.server import run_server


def main() -> int:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8501)
    try:
        run_server("127.0.0.1", parser.parse_args().port)
    except MiraikakakuError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
