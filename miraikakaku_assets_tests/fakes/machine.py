"""A machine whose figures a test sets, for what nobody can bring about on a real one."""

from dataclasses import dataclass, field

from miraikakaku_assets.application.ports.operations.system import Measurement
from miraikakaku_assets.domain.errors import DependencyUnavailableError


@dataclass
class SetMachine:
    """Stands in for the ports `Machine`, `CpuWindow`, `DatabaseDoor` and `WebProbe`.

    Attributes:
        cpu: Share of the processors in use.
        memory_share: Share of the memory in use.
        disk_share: Share of the volume in use.
        connection: Seconds of a connection; None: the database cannot be reached.
        answers: Address → seconds of its answer, None where nobody answers.
        asked: Addresses and paths that were asked.
    """

    cpu: float = 0.1
    memory_share: float = 0.1
    disk_share: float = 0.1
    connection: float | None = 0.01
    answers: dict[str, float | None] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def open_cpu_window(self) -> "SetMachine":
        """It is its own window."""
        return self

    def used(self, least_seconds: float) -> Measurement:
        """The share, whatever the span."""
        return Measurement(self.cpu, f"over {least_seconds:g} s")

    def memory(self) -> Measurement:
        """The share."""
        return Measurement(self.memory_share)

    def disk(self) -> Measurement:
        """The share."""
        return Measurement(self.disk_share)

    def connection_seconds(self) -> Measurement:
        """The seconds."""
        if self.connection is None:
            raise DependencyUnavailableError("The database cannot be reached; start it")
        return Measurement(self.connection)

    def response(self, address: str, path: str) -> Measurement:
        """The seconds, or a failure."""
        self.asked.append(f"{address}{path}")
        seconds = self.answers.get(address)
        return Measurement(seconds, "" if seconds else "no answer", failed=seconds is None)
