"""Feeds of programs that show what is stored: charts (TradingView's UDF) and OpenBB Workspace, in their own shapes."""
