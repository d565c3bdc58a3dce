"""Yahoo through yfinance: session, fetching threads and processes, probe."""
