"""All pages: every module of `pages` that has a `PAGE`."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from miraikakaku_assets.faces.dashboard import pages
from miraikakaku_assets.faces.dashboard.page import Page


@cache
def all_pages() -> tuple[Page, ...]:
    """The pages in the order in which they are listed; the first is shown without a path."""
    modules = (import_module(f"{pages.__name__}.{module.name}") for module in iter_modules(pages.__path__))
    registered = [module.PAGE for module in modules if hasattr(module, "PAGE")]
    return tuple(sorted(registered, key=lambda page: (page.order, page.slug)))
