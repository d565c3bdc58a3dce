"""The dashboard as a process of its own."""

import sys

from miraikakaku_assets.faces.dashboard.server import run_server
from miraikakaku_assets.faces.services import run_alone

if __name__ == "__main__":
    sys.exit(run_alone(lambda port: run_server("127.0.0.1", port), 8501))
