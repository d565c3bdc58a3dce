"""What the security scan asks of a machine, said by the test: packages, advisories, files, processes, roles."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from miraikakaku_assets.application.ports.operations.security import AdvisoryDump, OnlineAudit
from miraikakaku_assets.domain.errors import DependencyUnavailableError, MiraikakakuError
from miraikakaku_assets.domain.security.database_roles import DatabaseAccess
from miraikakaku_assets.domain.security.exposure import FileMode, Listener
from miraikakaku_assets.domain.security.finding import Finding


@dataclass
class SaidPackages:
    """Implements the port `PackageAudit`."""

    packages: dict[str, str] = field(default_factory=lambda: {"requests": "2.31.0", "numpy": "2.1.0"})
    answer: OnlineAudit = field(default_factory=lambda: OnlineAudit(trouble="no connection"))
    dumped: AdvisoryDump | MiraikakakuError | None = None

    def installed(self) -> Mapping[str, str]:
        return self.packages

    def online(self) -> OnlineAudit:
        return self.answer

    def dump(self, packages: Collection[str]) -> AdvisoryDump | None:
        assert set(packages) == set(self.packages)
        if isinstance(self.dumped, MiraikakakuError):
            raise self.dumped
        return self.dumped


@dataclass
class SaidFacts:
    """Implements the port `SecurityFacts`."""

    code: list[Finding] = field(default_factory=list)
    secret: list[Finding] = field(default_factory=list)
    files: list[FileMode] = field(default_factory=list)
    ports: list[Listener] = field(default_factory=list)
    database: DatabaseAccess = field(
        default_factory=lambda: DatabaseAccess("postgres", True, True, "", False)  # noqa: FBT003
    )
    bandit_is_there: bool = True

    def weaknesses(self) -> tuple[Sequence[Finding], int]:
        if not self.bandit_is_there:
            raise DependencyUnavailableError("bandit is not installed")
        return self.code, 477

    def secrets(self) -> tuple[Sequence[Finding], int]:
        return self.secret, 900

    def modes(self) -> Sequence[FileMode]:
        return self.files

    def listeners(self) -> Sequence[Listener]:
        return self.ports

    def access(self) -> DatabaseAccess:
        return self.database
