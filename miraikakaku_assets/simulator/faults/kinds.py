"""Every kind of fault with what it does, and groups of them. Imports nothing: the command line's help shows them."""

KINDS = {
    "429": "HTTP 429 as plain text, without Retry-After",
    "429-retry-after": "HTTP 429 with Retry-After: 1",
    "401": "HTTP 401, crumb refused",
    "404": "HTTP 404, symbol may be delisted",
    "422": "HTTP 422, window refused",
    "500": "HTTP 500",
    "502": "HTTP 502",
    "503": "HTTP 503",
    "504": "HTTP 504",
    "timeout": "no answer until the client gives up",
    "truncated": "the connection ends in the middle of the body",
    "cut-json": "a complete HTTP answer whose JSON ends in the middle",
    "html": "HTTP 200 with Yahoo's 'Will be right back' page",
    "empty": "HTTP 200 without bars; a list without a byte",
    "wrong-symbol": "the answer belongs to another symbol",
    "nan-bars": "every tenth session is null",
    "nan-tail": "the last three sessions are null",
    "garbage-tick": "every twentieth session's close is ten million times too high",
    "squeeze-out": "the last session trades at 2.985e10, volume 0, as 1821.T after its delisting",
    "duplicate-stamps": "the last session is sent twice, with the same stamp",
    "double-session": "the running session appears twice, at its open and at its last trade",
    "late-split": "a 5:1 split whose event and rescaled history come later than the price drop",
    "no-timezone": "meta names no time zone",
    "clock-skew": "the Date header is an hour ahead",
    "unlisted": "the exchange's list lacks the named symbols, which Yahoo serves",
    "short-list": "the named list ends after two fifths of its issues, in good form",
    "quota": "HTTP 200 with Alpha Vantage's JSON notice of its daily limit",
    "latency": "the answer is held back, e.g. latency=50ms",
}
TRANSIENT = (
    *("429", "429-retry-after", "500", "502", "503", "504", "timeout"),
    *("truncated", "cut-json", "html", "wrong-symbol", "no-timezone"),
)
BAD_VALUES = (
    "empty",
    "nan-bars",
    "nan-tail",
    "garbage-tick",
    "squeeze-out",
    "duplicate-stamps",
    "double-session",
)
GROUPS = {"all": TRANSIENT, "bad-values": BAD_VALUES}
