"""Use case: a page of all instruments, filtered and sorted by what is known of each."""

from miraikakaku_assets.application.ports.reading.screening import Screen, ScreenedInstruments, ScreenedPage


def screen_instruments(screen: Screen, definition: str, store: ScreenedInstruments) -> ScreenedPage:
    """Instruments that match.

    Raises:
        ConfigurationError: The screen asks for what there is not.
        DependencyUnavailableError: The database cannot be reached.
    """
    return store.page(screen.checked(), definition)
