"""Pages of which a command writes the part between two marks; people write the rest."""

from miraikakaku_assets.domain.errors import ConfigurationError


def require_marks(page: str, begin: str, end: str) -> None:
    """Checks that a page has one pair of marks.

    Raises:
        ConfigurationError: It has not.
    """
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        raise ConfigurationError(f"The page needs the lines {begin} and {end}, once each, in this order")


def put_between(page: str, begin: str, end: str, content: str) -> str:
    """A page with a content between its marks, in the place of what stood there.

    Raises:
        ConfigurationError: The page does not have one pair of marks.
    """
    require_marks(page, begin, end)
    before, rest = page.split(begin)
    return f"{before}{begin}\n{content.strip()}\n{end}{rest.split(end)[1]}"
