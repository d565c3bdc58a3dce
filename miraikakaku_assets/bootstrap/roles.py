"""Narrow roles of the database, and settings in which a process gets into it in one of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import SecretStr

if TYPE_CHECKING:
    from miraikakaku_assets.adapters.storage.security.roles import GrantedRole
    from miraikakaku_assets.bootstrap.installation import Installation
    from miraikakaku_assets.settings import Settings


class Role(StrEnum):
    """What a process may do in the database."""

    READER = "reader"
    """Read."""
    API = "api"
    """Read, accept bulk jobs, and respond to alerts."""


@dataclass(frozen=True)
class NarrowRoles:
    """What the processes that read, or serve the API, may do in the database."""

    installation: Installation

    def narrow_settings(self, role: Role) -> Settings:
        """The settings with a role's way into the database.

        An external server's is its setting; where that is unset, the owner's, for reading with transactions that only
        read and the role's limit of time. The embedded server lets its owner in as either role; both are made here, or
        brought to what they should be. The schema is taken as it is.

        Raises:
            ConfigurationError: The state folder cannot be made.
            DependencyUnavailableError: The embedded server cannot be started.
        """
        from miraikakaku_assets.adapters.storage.security import roles

        settings = self.installation.settings
        named = settings.database_reader_url if role is Role.READER else settings.database_api_url
        if named is not None:
            url = named.get_secret_value()
        elif settings.database_url is None:
            roles.grant_roles(self.installation.opened)
            url = roles.url_of(self.installation.opened, roles.READER if role is Role.READER else roles.API)
        elif role is Role.READER:
            url = roles.read_only_url(self.installation.opened)
        else:
            return settings
        return settings.model_copy(update={"database_url": SecretStr(url)})

    def grant(self) -> list[GrantedRole]:
        """Makes the narrow roles of the database, or brings them to what they should be.

        Raises:
            ConfigurationError: The role in use may not make roles.
        """
        from miraikakaku_assets.adapters.storage.security.roles import grant_roles

        return grant_roles(self.installation.database)
