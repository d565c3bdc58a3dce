"""How people are told."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from miraikakaku_assets.adapters.charts.signals import PatternPictures
    from miraikakaku_assets.adapters.notify.channels import Channels
    from miraikakaku_assets.adapters.storage.alerts.records import PostgresAlertRecords
    from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts
    from miraikakaku_assets.adapters.storage.collection.cycles import PostgresCycles
    from miraikakaku_assets.application.alerting.alert_rule import AlertPorts
    from miraikakaku_assets.application.alerting.conditions.cycle_alerts import CycleLimits
    from miraikakaku_assets.application.alerting.deliver_notifications import DeliveryPorts
    from miraikakaku_assets.application.alerting.plan_notices import PlanningPorts
    from miraikakaku_assets.application.alerting.respond import ResponsePorts
    from miraikakaku_assets.application.ports.notices import Severity
    from miraikakaku_assets.bootstrap.installation import Installation
    from miraikakaku_assets.bootstrap.stores import Stores
    from miraikakaku_assets.domain.alerting.alert_state import NoticePolicy


@dataclass(frozen=True)
class Notices:
    """Alerts, cycles and the channels of notifications."""

    installation: Installation
    stores: Stores

    @cached_property
    def alerts(self) -> PostgresAlerts:
        """Alerts and the outbox of their notifications."""
        from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts

        return PostgresAlerts(self.installation.database)

    @cached_property
    def cycles(self) -> PostgresCycles:
        """Account of the cycles."""
        from miraikakaku_assets.adapters.storage.collection.cycles import PostgresCycles

        return PostgresCycles(self.installation.database)

    @cached_property
    def channels(self) -> Channels:
        """Where people are told, by name; nobody is told of a demo, whatever the settings say."""
        from miraikakaku_assets.adapters.notify.channels import Addresses, Channels

        return Channels(Addresses()) if self.is_muted else self.channels_of_settings

    @property
    def is_demo(self) -> bool:
        """Whether the database is a demo's."""
        mark = self.installation.origin.read()
        return mark is not None and mark.demo is not None

    @property
    def is_muted(self) -> bool:
        """Whether nobody is told of anything: a demo without a receiver."""
        return not self.installation.receiver and self.is_demo

    @cached_property
    def channels_of_settings(self) -> Channels:
        """The channels that the settings name, or the receiver alone; the database is not asked."""
        from miraikakaku_assets.adapters.notify.channels import Addresses, Channels

        if self.installation.receiver:
            return Channels(Addresses(alertmanager=self.installation.receiver))
        settings = self.installation.settings
        secrets = (
            settings.discord_webhook_url,
            settings.slack_webhook_url,
            settings.email_password,
            settings.notify_urls,
            settings.alertmanager_webhook_url,
        )
        discord, slack, password, others, alertmanager = (
            "" if secret is None else secret.get_secret_value() for secret in secrets
        )
        addresses = Addresses(
            discord,
            slack,
            settings.smtp_server,
            settings.smtp_port,
            settings.from_email,
            settings.mail_recipients,
            password or None,
            tuple(others.split()),
            alertmanager,
        )
        return Channels(addresses)

    @cached_property
    def pictures(self) -> PatternPictures:
        """Charts that go with the messages about signals."""
        from miraikakaku_assets.adapters.charts.signals import PatternPictures

        return PatternPictures(self.stores.bars, self.stores.analysis)

    @property
    def delivery(self) -> DeliveryPorts:
        """What a delivery of notifications needs."""
        from miraikakaku_assets.application.alerting.deliver_notifications import DeliveryPorts

        return DeliveryPorts(
            self.alerts, self.channels, self.installation.clock, time.sleep, self.pictures.of, self.planning
        )

    @cached_property
    def policy(self) -> NoticePolicy:
        """How the settings have people told; nobody is told of a demo."""
        from datetime import time as time_of_day
        from datetime import timedelta

        from miraikakaku_assets.domain.alerting.alert_state import NoticePolicy
        from miraikakaku_assets.domain.alerting.routes import parse_routes

        settings = self.installation.settings
        text = settings.alert_routes if self.channels else ""
        return NoticePolicy(
            parse_routes(text, tuple(self.channels)),
            timedelta(seconds=settings.alert_group_wait),
            time_of_day.fromisoformat(settings.alert_digest_time),
        )

    def event_channels(self, severity: Severity, kind: str) -> tuple[str, ...]:
        """Channels that are told of an event.

        Args:
            severity: Of the event.
            kind: First part of its key.
        """
        return self.policy.routes.channels_of_event(severity.level, kind)

    @property
    def planning(self) -> PlanningPorts:
        """What a plan of notifications needs."""
        from miraikakaku_assets.adapters.storage.alerts.plans import PostgresPlans
        from miraikakaku_assets.application.alerting.kinds import all_kinds
        from miraikakaku_assets.application.alerting.plan_notices import PlanningPorts

        return PlanningPorts(
            PostgresPlans(self.installation.database), self.policy, all_kinds(), self.installation.clock
        )

    @property
    def responding(self) -> ResponsePorts:
        """What looking after alerts needs."""
        from miraikakaku_assets.adapters.storage.alerts.silences import PostgresSilences
        from miraikakaku_assets.application.alerting.respond import ResponsePorts

        return ResponsePorts(self.alert_records, PostgresSilences(self.installation.database), self.planning)

    @cached_property
    def alert_records(self) -> PostgresAlertRecords:
        """Alerts as people look at them."""
        from miraikakaku_assets.adapters.storage.alerts.records import PostgresAlertRecords

        return PostgresAlertRecords(self.installation.database)

    @property
    def alerting(self) -> AlertPorts:
        """What raising alerts needs."""
        from miraikakaku_assets.application.alerting.alert_rule import AlertPorts

        return AlertPorts(self.alerts, self.installation.clock)

    @property
    def cycle_limits(self) -> CycleLimits:
        """What the settings call a good cycle."""
        from miraikakaku_assets.application.alerting.conditions.cycle_alerts import CycleLimits

        settings = self.installation.settings
        return CycleLimits(settings.max_processing_time, settings.min_success_rate, settings.max_error_count)
