"""Option ``--measure`` of commands that write what they have measured into a page."""

from pathlib import Path

from miraikakaku_assets.application.reporting.marked_page import require_marks
from miraikakaku_assets.domain.errors import ConfigurationError


def read_page(page: Path, begin: str, end: str) -> str:
    """The text of the page, read before the work begins.

    Raises:
        ConfigurationError: It cannot be read, or has no place for the figures.
    """
    try:
        text = page.read_text(encoding="utf-8")
        require_marks(text, begin, end)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--measure {page}: it cannot be read ({type(error).__name__})") from error
    except ConfigurationError as error:
        raise ConfigurationError(
            f"--measure {page}: it has no place for the figures between {begin} and {end}"
        ) from error
    return text
