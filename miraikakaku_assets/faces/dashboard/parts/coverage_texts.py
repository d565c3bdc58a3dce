"""Texts of the page Coverage, and what each cause says in both languages."""

from miraikakaku_assets.domain.coverage.causes import CAUSES
from miraikakaku_assets.faces.dashboard.language import Texts

TEXTS = Texts(
    {
        "universe": ("市場", "Market"),
        "jp": ("東証", "Tokyo"),
        "us": ("米国", "United States"),
        "fx": ("為替", "Currencies"),
        "copper": ("銅", "Copper"),
        "never": ("カバレッジはまだ検査されていません。", "Coverage was never checked."),
        "coverage": ("カバレッジ", "Coverage"),
        "lacking": ("{session} の足がない銘柄", "Issues without the bar of {session}"),
        "missing": ("不足している足", "Missing bars"),
        "as_of": (
            "{moment} の検査。{first} から {last} までの日足。分母: {denominator}",
            "Checked {moment}. Daily bars from {first} to {last}. Denominator: {denominator}",
        ),
        "map": ("業種 × 取引日", "Sector × session"),
        "map_help": (
            "色は保存済みの足の割合。セルを選ぶと、その業種・取引日の不足が下に表示されます。",
            "Colour: share of the expected bars that are stored. Choose a cell to see below what it lacks.",
        ),
        "map_alt": (
            "業種と取引日ごとの、保存済みの足の割合",
            "Share of the expected bars that are stored, by sector and session",
        ),
        "hover_missing": ("本不足", "missing"),
        "no_days": ("日ごとの集計がまだありません。", "Days are not counted yet."),
        "gaps": ("不足している足とその原因", "What is missing, and why"),
        "session": ("取引日", "Session"),
        "sector": ("業種", "Sector"),
        "cause": ("原因", "Cause"),
        "anything": ("すべて", "all"),
        "all_sessions": ("すべての取引日", "all sessions"),
        "found": (
            "{session}: {issues} 銘柄に {gaps} 件の不足",
            "{session}: gaps {gaps}, issues {issues}",
        ),
        "none": ("不足はありません。", "Nothing is missing."),
        "only": ("{symbol} のみ表示中", "only {symbol}"),
        "symbol": ("銘柄", "symbol"),
        "name": ("名称", "name"),
        "first": ("最初", "first"),
        "last": ("最後", "last"),
        "bars": ("足の数", "bars"),
        "market": ("市場区分", "market"),
        "repair": ("この不足を補充する", "Repair these gaps"),
        "repair_help": (
            "不足している期間だけをデータ元に再度問い合わせます (Dagster の実行として)",
            "Asks the source again for exactly what is missing, as a run of Dagster",
        ),
        "repairing": ("補充を開始しました。", "The repair has begun."),
        "permanent": (
            "この原因の不足は、再度問い合わせても埋まりません。",
            "No further request is expected to fill gaps of this cause.",
        ),
        "read_only": (
            "補充には operate 権限のキーが必要です。",
            "A repair needs a key with the scope operate.",
        ),
        "segments": ("区分ごとのカバレッジ", "Coverage by segment"),
        "segment": ("区分", "segment"),
        "whole": ("全体", "all"),
        "share": ("カバレッジ (%)", "coverage (%)"),
        "floor": ("下限 (%)", "floor (%)"),
        "stored": ("保存済み", "stored"),
        "expected": ("期待値", "expected"),
        "issues": ("銘柄数", "issues"),
        "complete": ("完全", "complete"),
        "no_bars": ("足なし", "without a bar"),
        "trend_alt": ("これまでの検査のカバレッジ", "Coverage at earlier checks"),
    }
)
_JAPANESE = {
    "halted": "売買停止・値付かず",
    "quarantined": "受信したが検査で不合格",
    "out_of_range": "データ元の保存期間外",
    "not_on_source": "データ元に銘柄がない",
    "rate_limited": "直近の収集がレート制限で拒否された",
    "fetch_failed": "直近の収集に失敗",
    "never_requested": "まだ問い合わせていない",
    "never_delivered": "問い合わせたが、データ元に足がない",
    "listed_later": "データ元の最初の足がそれより後",
    "after_last_bar": "未配信、または売買終了",
    "source_hole": "データ元で途中の足が抜けている",
}
_ENGLISH = {
    "halted": "nobody traded",
    "quarantined": "a bar came and was refused",
    "out_of_range": "older than what the source serves",
    "not_on_source": "the source does not know the symbol",
    "rate_limited": "refused by the source's rate limit",
    "fetch_failed": "the newest collection failed",
    "never_requested": "never asked for",
    "never_delivered": "asked for, the source has no bar of it",
    "listed_later": "the source's first bar is later",
    "after_last_bar": "not delivered yet, or trading has ended",
    "source_hole": "the source left it out",
}
CAUSE_TEXTS = Texts({name: (_JAPANESE[name], _ENGLISH[name]) for name in CAUSES})
