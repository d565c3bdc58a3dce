"""The watch from inside Dagster, and its pings to a dead man's switch. Keep out: rules, and what is pinged when."""

import dagster as dg

from miraikakaku_assets.orchestration.resources import PortsResource


def alert_watch(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Raises and ends the alerts about runs, checks, ticks, schedules, collections, sources and coverage."""

    @dg.sensor(
        name="alert_watch",
        minimum_interval_seconds=60,
        default_status=status,
        description="Raises and ends alerts about what has failed, what did not happen and what is missing; "
        "launches nothing.",
    )
    def watch_all(context: dg.SensorEvaluationContext, ports: PortsResource) -> dg.SkipReason:
        from miraikakaku_assets.application.alerting.watch import watch
        from miraikakaku_assets.bootstrap import utc_now
        from miraikakaku_assets.orchestration.watching.dagster_records import DagsterRecords

        repository = context.repository_def
        if repository is None:
            raise ValueError("the sensor is evaluated outside of a repository")
        records = DagsterRecords(context.instance, repository, utc_now)
        watched = watch("sensor", ports.use.watching.watched(records))
        return dg.SkipReason("; ".join(watched.changes.standing) or "Nothing is wrong.")

    return watch_all


def healthchecks(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Says to a dead man's switch when runs of schedules start, succeed and fail."""

    @dg.sensor(
        name="healthchecks",
        minimum_interval_seconds=30,
        default_status=status,
        description="Pings HEALTHCHECK_URL when a run of a schedule starts, succeeds or fails; launches nothing.",
    )
    def ping(context: dg.SensorEvaluationContext, ports: PortsResource) -> dg.SensorResult | dg.SkipReason:
        from miraikakaku_assets.orchestration.watching.pings import ping_what_is_new

        switch = ports.use.watching.dead_mans_switch
        if not switch.is_set:
            return dg.SkipReason("HEALTHCHECK_URL is not set.")
        if ports.use.notices.is_demo:
            return dg.SkipReason("Nobody waits for a demo.")
        cursor, troubles = ping_what_is_new(context.instance, context.cursor, switch)
        for trouble in troubles:
            context.log.warning(trouble)
        return dg.SensorResult(cursor=cursor, skip_reason="; ".join(troubles) or "Pings are sent.")

    return ping
