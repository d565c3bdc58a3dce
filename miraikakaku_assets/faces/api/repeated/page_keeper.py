"""Pages that stay the same until what they are of changes."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable

from miraikakaku_assets.faces.api.answers import Body

_MOST_BYTES = 8 * 1024 * 1024  # of all pages; each may be kept compressed beside


class PageKeeper:
    """Keeps the pages of the newest version, as many as fit; those that were asked for longest ago go first."""

    def __init__(self) -> None:
        self._version: Hashable = None
        self._pages: OrderedDict[Hashable, Body] = OrderedDict()
        self._bytes = 0

    async def page(self, version: Hashable, name: Hashable, make: Callable[[], Awaitable[Body]]) -> Body:
        """A page as of a version that was read before: the one that is kept, or a new one.

        Args:
            version: Changes with anything that a page shows.
            name: Of the page.
            make: Makes it.
        """
        if version != self._version:
            self._version, self._bytes = version, 0
            self._pages.clear()
        page = self._pages.get(name)
        if page is not None:
            self._pages.move_to_end(name)
            return page
        page = await make()
        if version == self._version and name not in self._pages and len(page.content) <= _MOST_BYTES:
            self._pages[name] = page
            self._bytes += len(page.content)
            while self._bytes > _MOST_BYTES:
                self._bytes -= len(self._pages.popitem(last=False)[1].content)
        return page
