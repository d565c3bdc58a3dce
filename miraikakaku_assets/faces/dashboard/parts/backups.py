"""Backups with their restore drills, and the newest search for damage."""

from typing import Any

import streamlit as st

from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.faces.dashboard.language import Texts
from miraikakaku_assets.faces.dashboard.page import View
from miraikakaku_assets.faces.dashboard.panels import empty, panel, table
from miraikakaku_assets.faces.dashboard.reads import cached

_ATTEMPTS = 10
_MIB = 2**20
TEXTS = Texts(
    {
        "state": ("状態", "state"),
        "backups": ("バックアップと復旧訓練", "Backups and their drills"),
        "no_backups": (
            "バックアップはまだありません。",
            "There is no backup yet.",
        ),
        "newest_good": (
            "復元して照合済みの最新バックアップ: {moment} ({ago})",
            "Newest backup that was restored and compared: {moment} ({ago})",
        ),
        "no_good": (
            "復元して照合されたバックアップがありません。",
            "No backup was ever restored and compared.",
        ),
        "backup": ("バックアップ", "backup"),
        "kind": ("種類", "kind"),
        "begun": ("開始", "begun"),
        "size": ("サイズ (MiB)", "size (MiB)"),
        "dump": ("コピー (秒)", "copying (s)"),
        "verify": ("復元訓練 (秒)", "restore drill (s)"),
        "error": ("エラー (英語)", "error"),
        "integrity": (
            "破損検査: {moment}、{relations} 個の表と索引、{result}",
            "Search for damage: {moment}, {relations} tables and indexes, {result}",
        ),
        "whole": ("破損なし", "nothing damaged"),
        "damaged": ("{count} 個が破損", "{count} damaged"),
        "no_integrity": (
            "破損検査はまだ実行されていません: `miraikakaku backup`",
            "No search for damage yet: `miraikakaku backup`",
        ),
    }
)


@cached(60)
def _kept(use: Ports) -> tuple[list[Any], Any, Any]:
    return use.backups.history.newest(_ATTEMPTS), use.operations.newest_backup, use.backups.integrity.newest()


@panel
def show_backups(view: View) -> None:
    """The newest attempts, the newest backup that was restored and compared, and the newest search for damage."""
    text = view.texts(TEXTS)
    st.subheader(text("backups"), anchor=False)
    attempts, newest, integrity = _kept(view.use)
    if not attempts and newest is None:
        empty(text("no_backups"), "miraikakaku backup")
    else:
        good = newest is not None
        icon = ":material/check_circle:" if good else ":material/warning:"
        words = (
            text("newest_good", moment=view.moment(newest), ago=view.ago(newest)) if good else text("no_good")
        )
        st.markdown(f"{icon} {words}")
    if attempts:
        table(
            [_attempt(view, text, attempt) for attempt in attempts],
            column_config={
                text("size"): st.column_config.NumberColumn(format="%.1f"),
                text("dump"): st.column_config.NumberColumn(format="%.1f"),
                text("verify"): st.column_config.NumberColumn(format="%.1f"),
            },
            alt=text("backups"),
        )
    if integrity is None:
        st.caption(text("no_integrity"))
    else:
        damaged = len(integrity.damaged)
        result = text("whole") if integrity.is_whole else text("damaged", count=damaged)
        moment = view.moment(integrity.checked_at)
        st.caption(text("integrity", moment=moment, relations=f"{integrity.relations:,}", result=result))


def _attempt(view: View, text: Any, attempt: Any) -> dict[str, Any]:
    return {
        text("begun"): view.moment(attempt.started_at),
        text("backup"): attempt.name,
        text("kind"): attempt.kind.value,
        text("state"): attempt.status.value,
        text("size"): attempt.bytes / _MIB,
        text("dump"): attempt.seconds.get("copy"),
        text("verify"): attempt.seconds.get("verify"),
        text("error"): attempt.error,
    }
