"""What the process of the role that may change alerts is asked for.

The API names these functions and does not run them: what they need is imported inside.
"""

from datetime import timedelta
from typing import Any

from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.faces.api.readings import alert_row


def acknowledge_alert(use: Ports, number: int, note: str) -> dict[str, Any] | None:
    """Takes an alert on; None if there is none of this number.

    Raises:
        WorkFellShortError: It is over.
    """
    from miraikakaku_assets.application.alerting.respond import acknowledge

    if use.notices.alert_records.find(str(number)) is None:
        return None
    return alert_row(acknowledge(str(number), note, use.notices.responding))


def silence_alert(use: Ports, number: int, lasting: timedelta, note: str) -> dict[str, Any] | None:
    """Tells nobody of alerts with the key of one, for a while; None if there is none of this number.

    Raises:
        ConfigurationError: The time is longer than a silence may be.
    """
    import glob

    from miraikakaku_assets.application.alerting.respond import silence

    alert = use.notices.alert_records.find(str(number))
    if alert is None:
        return None
    # A key is no pattern here: what it has of one stands for itself.
    added = silence([f"key={glob.escape(alert.key)}"], lasting, note, use.notices.responding)
    return {
        "id": added.id,
        "key": alert.key,
        "starts_at": added.starts_at,
        "ends_at": added.ends_at,
        "note": added.note,
    }
