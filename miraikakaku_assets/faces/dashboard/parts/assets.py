"""Health of assets as it was looked at last, and next schedules by what Dagster's web server shows."""

from datetime import timedelta

import streamlit as st

from miraikakaku_assets.application.monitoring.asset_health import judge_groups
from miraikakaku_assets.application.ports.operations.assets import AssetSnapshot, AssetState
from miraikakaku_assets.application.ports.operations.console import ConsoleState
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import OrchestratorUnavailableError
from miraikakaku_assets.faces.dashboard.language import Texts
from miraikakaku_assets.faces.dashboard.page import View
from miraikakaku_assets.faces.dashboard.panels import empty, panel, table
from miraikakaku_assets.faces.dashboard.reads import cached

_NEXT = 12
TEXTS = Texts(
    {
        "assets": ("データ資産の状態", "Health of assets"),
        "never": (
            "資産の状態はまだ記録されていません。Dagster のデーモンが毎分記録します。",
            "Nobody has looked at the assets yet. Dagster's daemon does every minute.",
        ),
        "as_of": ("{moment} 時点 ({ago})", "As of {moment} ({ago})"),
        "old": (
            "{moment} 時点 ({ago})。以後は記録されていません。`miraikakaku up` でデーモンを起動します。",
            "As of {moment} ({ago}); nobody has looked since. `miraikakaku up` starts the daemon.",
        ),
        "Unknown": ("不明", "Unknown"),
        "Healthy": ("正常", "Healthy"),
        "Warning": ("注意", "Warning"),
        "Degraded": ("異常", "Degraded"),
        "asset": ("資産", "asset"),
        "state": ("状態", "state"),
        "why": ("理由 (英語)", "why"),
        "open": ("Dagster", "Dagster"),
        "trouble": ("注意が必要な資産", "Assets that want somebody"),
        "all_fine": ("注意が必要な資産はありません。", "No asset wants somebody."),
        "all": ("すべての資産", "All assets"),
        "schedules": ("次の予定", "Next schedules"),
        "all_off": (
            "有効なスケジュールはありません。`miraikakaku schedule` で本番スケジュールを有効にします。",
            "No schedule is on. `miraikakaku schedule` turns the production schedules on.",
        ),
        "schedule": ("スケジュール", "schedule"),
        "job": ("ジョブ", "job"),
        "next": ("次回", "next"),
    }
)
_COLOURS = {"Unknown": "gray", "Healthy": "green", "Warning": "orange", "Degraded": "red"}
_ICONS = {
    "Unknown": ":material/help:",
    "Healthy": ":material/check_circle:",
    "Warning": ":material/warning:",
    "Degraded": ":material/error:",
}


@cached(30)
def _console(use: Ports) -> ConsoleState | None:
    try:
        return use.serving.console.state()
    except OrchestratorUnavailableError:
        return None


def console_state(view: View) -> ConsoleState | None:
    """What Dagster shows; None while it does not answer."""
    return _console(view.use)


@cached(15)
def _looked_at(use: Ports) -> AssetSnapshot | None:
    return use.operations.asset_health_snapshot.read()


@panel(every=timedelta(seconds=60))
def show_assets(view: View) -> None:
    """The panel of assets."""
    text = view.texts(TEXTS)
    st.subheader(text("assets"), anchor=False)
    looked = _looked_at(view.use)
    if looked is None:
        empty(text("never"), "miraikakaku up")
        return
    is_current = looked.is_current(view.use.clock())
    st.caption(
        text("as_of" if is_current else "old", moment=view.moment(looked.as_of), ago=view.ago(looked.as_of))
    )
    assets = sorted(looked.assets, key=lambda asset: (-asset.state, asset.key))
    with st.container(horizontal=True, gap="small"):
        for group, worst in sorted(judge_groups(assets).items()):
            st.badge(
                f"{group}: {text(worst.word)}",
                icon=_ICONS[worst.word],
                color=_COLOURS[worst.word],  # type: ignore[arg-type]
            )
    base = view.use.settings.dagster_url.rstrip("/")
    rows = [
        {
            text("asset"): asset.key,
            text("state"): text(asset.state.word),
            text("why"): "; ".join(asset.reasons),
            text("open"): f"{base}{asset.path}",
        }
        for asset in assets
    ]
    trouble = [row for row, asset in zip(rows, assets, strict=True) if asset.state > AssetState.HEALTHY]
    link = {text("open"): st.column_config.LinkColumn(display_text=":material/open_in_new:", width="small")}
    if trouble:
        st.markdown(text("trouble"))
        table(trouble, column_config=link, alt=text("trouble"))
    else:
        st.markdown(f":material/check_circle: {text('all_fine')}")
    with st.expander(f"{text('all')} ({len(rows)})"):
        table(rows, column_config=link, alt=text("all"))


@panel(every=timedelta(seconds=60), parallel=True)
def show_schedules(view: View) -> None:
    """The panel of schedules."""
    text = view.texts(TEXTS)
    state = console_state(view)
    if state is None:
        return
    st.subheader(text("schedules"), anchor=False)
    due = [schedule for schedule in state.schedules if schedule.is_on][:_NEXT]
    if not due:
        st.caption(text("all_off"))
        return
    rows = [
        {
            text("next"): view.moment(schedule.next_at),
            text("schedule"): schedule.name,
            text("job"): schedule.job,
        }
        for schedule in due
    ]
    table(rows, alt=text("schedules"))
