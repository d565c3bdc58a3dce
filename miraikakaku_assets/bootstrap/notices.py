"""How people are told."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING

from miraikakaku_assets.bootstrap.stores import Stores

if TYPE_CHECKING:
    from miraikakaku_assets.adapters.charts.signals import PatternPictures
    from miraikakaku_assets.adapters.notify.channels import Channels
    from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts
    from miraikakaku_assets.adapters.storage.collection.cycles import PostgresCycles
    from miraikakaku_assets.application.alerting.alert_rule import AlertPorts
    from miraikakaku_assets.application.alerting.cycle_alerts import CycleLimits
    from miraikakaku_assets.application.alerting.deliver_notifications import DeliveryPorts


class Notices(Stores):
    """Alerts, cycles and the channels of notifications."""

    @cached_property
    def alerts(self) -> PostgresAlerts:
        """Alerts and the outbox of their notifications."""
        from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts

        return PostgresAlerts(self.database)

    @cached_property
    def cycles(self) -> PostgresCycles:
        """Account of the cycles."""
        from miraikakaku_assets.adapters.storage.collection.cycles import PostgresCycles

        return PostgresCycles(self.database)

    @cached_property
    def channels(self) -> Channels:
        """Where people are told, by name; nobody is told of a demo, whatever the settings say."""
        from miraikakaku_assets.adapters.notify.channels import Addresses, Channels

        return Channels(Addresses()) if self.is_demo else self.channels_of_settings

    @property
    def is_demo(self) -> bool:
        """Whether the database is a demo's."""
        mark = self.origin.read()
        return mark is not None and mark.demo is not None

    @cached_property
    def channels_of_settings(self) -> Channels:
        """The channels that the settings name; the database is not asked."""
        from miraikakaku_assets.adapters.notify.channels import Addresses, Channels

        settings = self.settings
        secrets = (
            settings.discord_webhook_url,
            settings.slack_webhook_url,
            settings.email_password,
            settings.notify_urls,
        )
        discord, slack, password, others = (
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
        )
        return Channels(addresses)

    @cached_property
    def pictures(self) -> PatternPictures:
        """Charts that go with the messages about signals."""
        from miraikakaku_assets.adapters.charts.signals import PatternPictures

        return PatternPictures(self.bars, self.analysis)

    @property
    def delivery(self) -> DeliveryPorts:
        """What a delivery of notifications needs."""
        from miraikakaku_assets.application.alerting.deliver_notifications import DeliveryPorts

        return DeliveryPorts(self.alerts, self.channels, self.clock, time.sleep, self.pictures.of)

    @property
    def alerting(self) -> AlertPorts:
        """What raising alerts needs."""
        from miraikakaku_assets.application.alerting.alert_rule import AlertPorts

        return AlertPorts(self.alerts, self.channels.names_for, self.clock)

    @property
    def cycle_limits(self) -> CycleLimits:
        """What the settings call a good cycle."""
        from miraikakaku_assets.application.alerting.cycle_alerts import CycleLimits

        settings = self.settings
        return CycleLimits(settings.max_processing_time, settings.min_success_rate, settings.max_error_count)
