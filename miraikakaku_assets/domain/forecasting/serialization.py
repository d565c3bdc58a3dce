"""The bytes of a trained model: a line that says whose they are, then the model's own."""

import json
from dataclasses import dataclass
from datetime import date

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.contract import TrainedForecaster


@dataclass(frozen=True)
class Saved:
    """What was kept of a training.

    Attributes:
        trained_until: Last session whose closes it could see.
        seed: Of the training.
        content: The model's own bytes; empty for a model without parameters.
    """

    trained_until: date
    seed: int
    content: bytes


def packed(trained: TrainedForecaster, content: bytes = b"") -> bytes:
    """What `TrainedForecaster.save` returns: a line of JSON, then the content."""
    head = {
        "name": trained.name,
        "version": trained.version,
        "seed": trained.seed,
        "trained_until": trained.trained_until.isoformat(),
    }
    return json.dumps(head).encode() + b"\n" + content


def unpacked(saved: bytes, name: str, version: str) -> Saved:
    """What `packed` has kept.

    Raises:
        ConfigurationError: The bytes are of another model or version.
    """
    line, _, content = saved.partition(b"\n")
    try:
        head = json.loads(line)
        saved_as = head["name"], head["version"]
        trained_until, seed = date.fromisoformat(head["trained_until"]), int(head["seed"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"The saved model is no {name}: train it again") from error
    if saved_as != (name, version):
        raise ConfigurationError(
            f"The saved model is {saved_as[0]} {saved_as[1]}, not {name} {version}: train it again"
        )
    return Saved(trained_until, seed, content)
