"""PostgreSQL: the engine, the embedded server, tables and migrations, then a folder per concept.

No rule about a price or a forecast is decided in SQL.
"""
