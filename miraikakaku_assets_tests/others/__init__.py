"""Suites that others wrote, run against what is installed and against ours; `make test-others` fetches them once.

Their files are not in the repository and no test of `make test` needs them. What no package index carries (yfinance's
bad and repaired series) is among the real data; see CONTRIBUTING.md.
"""
