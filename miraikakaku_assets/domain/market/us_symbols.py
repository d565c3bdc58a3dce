"""How US symbols are spelled: one security, one key, whoever writes it.

Everybody writes what follows the root in another way. Nasdaq publishes the table (Ticker Symbol Convention,
nasdaqtrader.com, id=CQSSymbolConvention):

================  ==============  ==============  ===========  ===============  =======
security          Nasdaq          CQS             ACT          Alpha Vantage    symbol
================  ==============  ==============  ===========  ===============  =======
class B           ``BRK.B``       ``BRK.B``       ``BRK.B``    ``BRK-B``        ``BRK-B``
preferred B       ``AA-B``        ``AApB``        ``AA$B``     ``AA-P-B``       ``AA-PB``
preferred         ``HWM-``        ``HWMp``        ``HWM$``     ``HWM-P``        ``HWM-P``
warrant           ``ACHR+``       ``ACHR.WS``     ``ACHR.W``   ``ACHR-WS``      ``ACHR-WT``
warrant class A   ``NE+A``        ``NE.WS.A``     ``NE.A``     ``NE-WS-A``      ``NE-WTA``
unit              ``AACT=``       ``AACT.U``      ``AACT.U``   ``AACT-U``       ``AACT-UN``
right             ``CELG^``       ``CELGr``       ``CELG.R``   ``CELG-R``       ``CELG-RI``
when issued       ``NOK#``        ``NOKw``        ``NOK.V``    ``PHIN-WI``      ``NOK-WI``
================  ==============  ==============  ===========  ===============  =======

``AA-B`` is a preferred at Nasdaq and a class here, and ``NE.A`` is a class or a class of warrants: a text
means something only together with who wrote it. Until about 2016 CQS wrote ``/`` for ``.``. Securities listed
on Nasdaq carry their kind in a fifth letter (``AACBR``, ``AACBU``, ``BRIDP``), which all of them leave as it is.

The last column is the price source's, which documents nothing; it was read off symbols in use (SEC's company tickers
and vendors that copy the spelling write ``AAC-UN``, ``ACHR-WT``, ``NE-WTA``, ``CELG-RI``, ``ABR-PD``). For a security
that is both of a kind and when issued (two of 11,571 lines) the spelling is not known; the two marks are joined.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Dialect(StrEnum):
    """Who wrote a symbol."""

    NASDAQ = "nasdaq"
    """Column ``NASDAQ Symbol`` (integrated platform) and the symbols of nasdaqlisted.txt."""
    CQS = "cqs"
    """Column ``CQS Symbol``: what NYSE and the tape write; ``/`` and ``.`` are both read."""
    ACT = "act"
    """Column ``ACT Symbol``. A class of warrants is read as a class: the text does not tell."""
    ALPHA_VANTAGE = "alpha_vantage"


@dataclass(frozen=True)
class Spelling:
    """What a symbol says.

    A called issue (Nasdaq ``*``, CQS ``.CL``) is the issue itself: there is no mark for it.

    Attributes:
        root: Letters of the issuer.
        kind: ``common``, ``preferred``, ``warrant``, ``unit`` or ``right``.
        series: Class or series, one letter, or nothing.
        state: ``issued`` while it trades when issued, ``distributed`` when distributed, or nothing.
    """

    root: str
    kind: str = "common"
    series: str = ""
    state: str = ""

    @property
    def symbol(self) -> str:
        """The spelling of partition keys, which is also the key that joins the others."""
        mark = _MARKS[self.kind] + self.series + {"issued": "WI", "distributed": "WD"}.get(self.state, "")
        return f"{self.root}-{mark}" if mark else self.root

    @property
    def cqs(self) -> str:
        """The tape's spelling, with ``.``: the code under which an issue is known on NYSE's markets."""
        mark = _CQS[self.kind]
        series = f".{self.series}" if self.series and self.kind in {"common", "warrant"} else self.series
        return f"{self.root}{mark}{series}" + {"issued": "w", "distributed": ".WD"}.get(self.state, "")


_MARKS = {"common": "", "preferred": "P", "warrant": "WT", "unit": "UN", "right": "RI"}
_CQS = {"common": "", "preferred": "p", "warrant": ".WS", "unit": ".U", "right": "r"}
_ROOT = "(?P<root>[A-Z]+)"
_FORMS = {
    Dialect.NASDAQ: (
        r"(?:(?P<preferred>-)|(?P<common>\.)|(?P<warrant>\+)|(?P<unit>=)|(?P<right>\^))?(?P<series>[A-Z])?"
        r"(?:(?P<issued>\#)|(?P<distributed>\$))?\*?"
    ),
    Dialect.CQS: (
        r"(?:(?P<preferred>p)|(?P<warrant>[./]WS)(?:[./](?=[A-Z]w?\b))?|(?P<unit>[./]U)|(?P<right>r)"
        r"|(?P<common>[./](?=[A-Z]w?\b)))?(?P<series>[A-Z])?(?:(?P<issued>w)|(?P<distributed>[./]WD))?(?:[./]CL)?"
    ),
    Dialect.ACT: (
        r"(?:(?P<preferred>\$)|(?P<warrant>\.W)|(?P<unit>\.U)|(?P<right>\.R)|(?P<issued>\.V)"
        r"|(?P<distributed>\.Z)|(?P<common>\.))?(?P<series>[A-Z])?"
    ),
    Dialect.ALPHA_VANTAGE: (
        r"(?:(?P<preferred>-P-?|/P)|(?P<warrant>-WS-?)|(?P<unit>-U)|(?P<right>-R)|(?P<common>-(?!W)))?"
        r"(?P<series>[A-Z])?(?P<issued>-WI?)?"
    ),
}
_PATTERNS = {dialect: re.compile(_ROOT + form) for dialect, form in _FORMS.items()}
_WITH_SERIES = {"common", "preferred", "warrant"}


def read_symbol(text: str, dialect: Dialect) -> Spelling | None:
    """What a symbol says, or None if it is not written as that author writes.

    Args:
        text: The symbol.
        dialect: Who wrote it.
    """
    match = _PATTERNS[dialect].fullmatch(text)
    if match is None:
        return None
    parts = match.groupdict()
    marked = [kind for kind in _MARKS if parts.get(kind)]
    kind, series = marked[0] if marked else "common", parts["series"] or ""
    # A series needs a mark before it, and a class needs its letter.
    if (series and (not marked or kind not in _WITH_SERIES)) or (marked == ["common"] and not series):
        return None
    state = "issued" if parts.get("issued") else "distributed" if parts.get("distributed") else ""
    return Spelling(parts["root"], kind, series, state)
