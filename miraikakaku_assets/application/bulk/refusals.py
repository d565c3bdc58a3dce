"""Why a request of a client is refused, in the words of the specification."""

from enum import StrEnum

from miraikakaku_assets.domain.errors import MiraikakakuError


class Refusal(StrEnum):
    """What is wrong; faces translate it into their own codes."""

    INVALID = "VALIDATION_ERROR"
    UNKNOWN = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    OTHER_BODY = "IDEMPOTENCY_KEY_REUSED"
    IN_FLIGHT = "REQUEST_IN_FLIGHT"


class RequestRefusedError(MiraikakakuError):
    """A request that cannot be done as it is.

    Attributes:
        refusal: What is wrong.
    """

    exit_code = 2

    def __init__(self, refusal: Refusal, message: str) -> None:
        self.refusal = refusal
        super().__init__(message)


NO_SUCH_JOB = "指定されたジョブが見つかりません"
