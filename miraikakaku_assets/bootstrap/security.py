"""What the security scan looks at, and with what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

if TYPE_CHECKING:
    from miraikakaku_assets.adapters.files.report_folder import FolderReports
    from miraikakaku_assets.adapters.security.local_facts import LocalFacts
    from miraikakaku_assets.adapters.security.lock_upgrade import UvWorkshop
    from miraikakaku_assets.adapters.security.package_audit import InstalledPackages
    from miraikakaku_assets.adapters.storage.security.store import PostgresSecurityFindings
    from miraikakaku_assets.application.security.scan import ScanPorts
    from miraikakaku_assets.bootstrap.installation import Installation
    from miraikakaku_assets.bootstrap.notices import Notices
    from miraikakaku_assets.domain.security.database_roles import DatabaseAccess
    from miraikakaku_assets.settings import Settings

_PACKAGE = Path(__file__).resolve().parents[1]
_SECRET_PART = re.compile(r"[A-Za-z0-9_-]{16,}")
"""What is secret about the address of a webhook: the token in its path."""


@dataclass(frozen=True)
class Security:
    """The security scan, its findings and upgraded locks."""

    installation: Installation
    notices: Notices

    @cached_property
    def findings(self) -> PostgresSecurityFindings:
        """Findings of the security scan."""
        from miraikakaku_assets.adapters.storage.security.store import PostgresSecurityFindings

        return PostgresSecurityFindings(self.installation.database)

    @cached_property
    def package_audit(self) -> InstalledPackages:
        """Installed packages and what is known of them."""
        from miraikakaku_assets.adapters.security.package_audit import InstalledPackages

        settings = self.installation.settings
        return InstalledPackages(settings.home / "advisories", settings.osv_dump)

    @cached_property
    def facts(self) -> LocalFacts:
        """Facts about this machine and installation."""
        from miraikakaku_assets.adapters.security.local_facts import LocalFacts
        from miraikakaku_assets.adapters.security.secret_scan import SecretPlaces

        settings = self.installation.settings
        return LocalFacts(
            package=_PACKAGE,
            places=SecretPlaces(_tree(), settings.home, known_secrets(settings)),
            working_folder=Path.cwd(),
            home=settings.home,
            is_embedded=settings.database_url is None,
            ask_database=self._access,
        )

    @property
    def scan(self) -> ScanPorts:
        """What a security scan needs."""
        from miraikakaku_assets.application.security.scan import ScanPorts

        return ScanPorts(
            packages=self.package_audit,
            facts=self.facts,
            findings=self.findings,
            alerting=self.notices.alerting,
            clock=self.installation.clock,
            longest=timedelta(days=self.installation.settings.osv_dump_max_age_days),
        )

    @cached_property
    def lock_workshop(self) -> UvWorkshop:
        """Where an upgraded lock is made and tried."""
        from miraikakaku_assets.adapters.security.lock_upgrade import UvWorkshop

        return UvWorkshop(_tree(), self.installation.settings.home)

    @cached_property
    def report_folders(self) -> FolderReports:
        """Reports of several files."""
        from miraikakaku_assets.adapters.files.report_folder import FolderReports

        return FolderReports(self.installation.settings.home)

    def _access(self) -> DatabaseAccess:
        from miraikakaku_assets.adapters.storage.security.access import database_access

        return database_access(
            self.installation.database, is_embedded=self.installation.settings.database_url is None
        )


def _tree() -> Path:
    """The checkout that this program runs from; the installed package where there is none."""
    checkout = _PACKAGE.parent
    return checkout if (checkout / "pyproject.toml").is_file() else _PACKAGE


def known_secrets(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Setting → what is secret about it: passwords of addresses, tokens of webhooks, keys as they are."""
    secrets = {}
    for name, value in settings:
        if not isinstance(value, SecretStr):
            continue
        parts = tuple(part for text in value.get_secret_value().split() for part in _secret_parts(text))
        if parts:
            secrets[name.upper()] = parts
    return secrets


def _secret_parts(text: str) -> list[str]:
    if "://" not in text:
        return [text]
    try:
        address = urlsplit(text)
        password = address.password
    except ValueError:
        return [text]
    tokens = _SECRET_PART.findall(f"{address.path} {address.query}")
    if address.scheme in {"http", "https"}:
        return [*([unquote(password)] if password else []), *tokens]
    if address.scheme.startswith("postgres"):
        return [unquote(password)] if password else []
    return [text, *tokens]
