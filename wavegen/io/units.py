"""Units of length and time in all spellings that image files use, as multiples of a micrometre and a second.

Symbols are those of OME-XML (UnitsLength, UnitsTime), names those of NGFF (UDUNITS-2), the rest what ImageJ writes.
"""

from __future__ import annotations

from decimal import Decimal

PREFIXES = {
    "yotta": ("Y", 24), "zetta": ("Z", 21), "exa": ("E", 18), "peta": ("P", 15), "tera": ("T", 12), "giga": ("G", 9),
    "mega": ("M", 6), "kilo": ("k", 3), "hecto": ("h", 2), "deca": ("da", 1), "": ("", 0), "deci": ("d", -1),
    "centi": ("c", -2), "milli": ("m", -3), "micro": ("µ", -6), "nano": ("n", -9), "pico": ("p", -12),
    "femto": ("f", -15), "atto": ("a", -18), "zepto": ("z", -21), "yocto": ("y", -24),
}  # fmt: skip
INCH = 25400.0  # µm
FOOT, YARD, MILE = 12 * INCH, 36 * INCH, 63360 * INCH
ASTRONOMICAL, LIGHT_YEAR, PARSEC = 1.495978707e17, 9.4607304725808e21, 3.085677581491367e22  # µm
# By symbol, where case tells mega from milli.
_LENGTHS = {
    "Å": 1e-4, "A": 1e-4, "thou": INCH / 1000, "li": INCH / 12, "in": INCH, "ft": FOOT, "yd": YARD, "mi": MILE,
    "ua": ASTRONOMICAL, "ly": LIGHT_YEAR, "pc": PARSEC, "pt": INCH / 72, "um": 1.0, '"': INCH,
}  # fmt: skip
_TIMES = {"min": 60.0, "h": 3600.0, "d": 86400.0, "us": 1e-6}
# By name, in lower case and the singular.
_LENGTH_NAMES = {
    "angstrom": 1e-4, "ångström": 1e-4, "micron": 1.0, "inch": INCH, "inche": INCH, "foot": FOOT, "feet": FOOT,
    "yard": YARD, "mile": MILE, "parsec": PARSEC,
}  # fmt: skip
_TIME_NAMES = {"sec": 1.0, "msec": 1e-3, "minute": 60.0, "hour": 3600.0, "hr": 3600.0, "day": 86400.0}
for _name, (_symbol, _power) in PREFIXES.items():
    _LENGTHS[f"{_symbol}m"] = float(f"1e{_power + 6}")
    _TIMES[f"{_symbol}s"] = float(f"1e{_power}")
    _TIME_NAMES[f"{_name}second"] = float(f"1e{_power}")
    for _metre in ("meter", "metre"):
        _LENGTH_NAMES[f"{_name}{_metre}"] = float(f"1e{_power + 6}")
# A micro sign (U+00B5), a Greek mu (U+03BC), and both as Java escapes them; an angstrom sign and a composed Å.
_SAME = {"\u03bc": "µ", "\\u00b5": "µ", "\\u00B5": "µ", "\\u03bc": "µ", "\\u03BC": "µ", "\u212b": "Å", "A\u030a": "Å"}


def micrometres(unit: str | None) -> float | None:
    """Length of a unit in µm; None for what is no length (``pixel``, ``reference frame``, an unknown word)."""
    return _value(unit, _LENGTHS, _LENGTH_NAMES)


def seconds(unit: str | None) -> float | None:
    """Duration of a unit in seconds, or None."""
    return _value(unit, _TIMES, _TIME_NAMES)


def converted(size: float, factor: float) -> float:
    """The product as a decimal calculation gives it, so that 5 µs are 5e-06 s, not 4.9999999999999996e-06."""
    return float(Decimal(repr(float(size))) * Decimal(repr(factor)))


def _value(unit: str | None, symbols: dict[str, float], names: dict[str, float]) -> float | None:
    text = (unit or "").strip()
    for spelling, usual in _SAME.items():
        text = text.replace(spelling, usual)
    if text in symbols:
        return symbols[text]
    lower = text.lower()
    return names.get(lower, names.get(lower.removesuffix("s")))
