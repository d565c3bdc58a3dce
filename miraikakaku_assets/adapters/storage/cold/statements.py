"""SQL of cold storage."""

from miraikakaku_assets.adapters.storage.backups.figures import DIGEST, ROW_HASH

COLD_COLUMNS = (
    *("instrument_id", "ts", "open", "high", "low", "close", "volume"),
    *("source", "status", "flag", "fetched_at", "built_from", "parts", "expected_parts"),
)
"""Columns of a cold file: those of ``price_bars`` without the timeframe, which its folder says."""

_COLUMNS = ", ".join(COLD_COLUMNS)

# Driven by the files: where none reaches into the time that is asked for, no range is looked at.
RANGES = """
SELECT r.instrument_id, i.symbol, r.month, f.id AS file_id, f.path, f.bytes, f.sha256, f.schema_version, r.first_ts,
       r.last_ts, r.rows
FROM miraikakaku.cold_files f
JOIN miraikakaku.cold_ranges r ON r.file_id = f.id
JOIN miraikakaku.instruments i ON i.id = r.instrument_id
WHERE f.released_at IS NULL AND f.timeframe = $1 AND f.last_ts >= $2::timestamptz AND f.first_ts < $3::timestamptz
  AND r.last_ts >= $2::timestamptz AND r.first_ts < $3::timestamptz {chosen}
ORDER BY f.path, r.instrument_id
"""

# The month of the newest final bar stays: «$3» is the first moment of the part, «$4» that of the month after it.
_LEAVING = """
FROM miraikakaku.price_bars b
JOIN unnest($1::int[]) AS chosen(id) ON chosen.id = b.instrument_id
WHERE b.timeframe = $2 AND b.ts >= $3::timestamptz AND b.ts < $4::timestamptz AND EXISTS (
    SELECT FROM miraikakaku.price_bars newer
    WHERE newer.instrument_id = b.instrument_id AND newer.timeframe = $2 AND newer.status = 'final'
      AND newer.ts >= $4::timestamptz)
"""
_BARS = f"SELECT {', '.join(f'b.{name}' for name in COLD_COLUMNS)} {_LEAVING}"
_FIGURES = f"SELECT count(*), {DIGEST.format(ROW_HASH)} FROM"
LEAVING = f"{_BARS} ORDER BY b.instrument_id, b.ts"
FIGURES_LEAVING = f"{_FIGURES} ({_BARS}) AS whole_row"
FIGURES_WRITTEN = f"{_FIGURES} (SELECT {_COLUMNS} FROM written_bars) AS whole_row"
LEFT = f"""
DELETE FROM miraikakaku.price_bars AS stored
USING (SELECT b.instrument_id, b.timeframe, b.ts {_LEAVING}) AS moved
WHERE stored.instrument_id = moved.instrument_id AND stored.timeframe = moved.timeframe AND stored.ts = moved.ts
"""

# Oldest and newest bar of each instrument, by two look-ups of the key.
DUE = """
SELECT i.id, oldest.ts AS oldest, newest.ts AS newest
FROM miraikakaku.instruments i
CROSS JOIN LATERAL (
    SELECT ts FROM miraikakaku.price_bars b
    WHERE b.instrument_id = i.id AND b.timeframe = $2 COLLATE "C" ORDER BY ts LIMIT 1) oldest
CROSS JOIN LATERAL (
    SELECT ts FROM miraikakaku.price_bars b
    WHERE b.instrument_id = i.id AND b.timeframe = $2 COLLATE "C" AND b.status = 'final'
    ORDER BY ts DESC LIMIT 1) newest
WHERE i.universe = $1 AND oldest.ts < $3::timestamptz
ORDER BY i.id
"""

SYMBOLS = "SELECT id, symbol FROM miraikakaku.instruments WHERE id = ANY ($1::int[])"
IS_SIMULATED = "SELECT coalesce(bool_or(simulated), false) FROM miraikakaku.price_origin"

# The same bars give the same file: one that was restored meanwhile is in force again.
ENTER_FILE = """
INSERT INTO miraikakaku.cold_files
    (path, universe, timeframe, month, first_ts, last_ts, rows, bytes, sha256, digest, schema_version, moved_at)
VALUES ($1, $2, $3, $4::date, $5::timestamptz, $6::timestamptz, $7, $8, $9, $10, $11::int, $12::timestamptz)
ON CONFLICT (path) DO UPDATE SET moved_at = excluded.moved_at, released_at = NULL
RETURNING id
"""

LEAVE_RANGES = """
DELETE FROM miraikakaku.cold_ranges AS range
USING unnest($1::int[], $2::date[]) AS back(instrument_id, month)
WHERE range.instrument_id = back.instrument_id AND range.month = back.month AND range.timeframe = $3
"""
RELEASE = """
UPDATE miraikakaku.cold_files AS file SET released_at = $2::timestamptz
WHERE file.id = ANY ($1::int[]) AND file.released_at IS NULL
  AND NOT EXISTS (SELECT FROM miraikakaku.cold_ranges r WHERE r.file_id = file.id)
"""

IN_FORCE = """
SELECT f.path, f.bytes, f.sha256, f.schema_version, f.universe, f.timeframe, f.month, f.rows, f.digest,
       sum(r.rows)::bigint AS rows_in_force, count(*) AS instruments, f.moved_at
FROM miraikakaku.cold_files f JOIN miraikakaku.cold_ranges r ON r.file_id = f.id
WHERE f.released_at IS NULL GROUP BY f.id ORDER BY f.path
"""

# Instruments with a bar in the database between the first and the last one that is read from the file.
OVERLAPPING = """
SELECT i.symbol FROM miraikakaku.cold_files f
JOIN miraikakaku.cold_ranges r ON r.file_id = f.id
JOIN miraikakaku.instruments i ON i.id = r.instrument_id
WHERE f.path = $1 AND EXISTS (
    SELECT FROM miraikakaku.price_bars b
    WHERE b.instrument_id = r.instrument_id AND b.timeframe = r.timeframe AND b.ts BETWEEN r.first_ts AND r.last_ts)
ORDER BY i.symbol COLLATE "C" LIMIT 1
"""

KNOWN_PATHS = """
SELECT path FROM miraikakaku.cold_files WHERE released_at IS NULL OR released_at >= $1::timestamptz
"""
FORGET = """
DELETE FROM miraikakaku.cold_files f WHERE f.released_at < $1::timestamptz
  AND NOT EXISTS (SELECT FROM miraikakaku.cold_ranges r WHERE r.file_id = f.id)
"""
