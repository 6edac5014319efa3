"""A number that was typed with a unit, in the unit that a field has.

Factors are exact where the unit is defined by one (SI prefixes, the calorie of 4.184 J, the
atmosphere of 101 325 Pa, the torr of a 760th of it, °C and °F); those of the atom are measured:
CODATA 2018, as everywhere here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

KJ_MOL_PER_HARTREE = "2625.4996394799"
EV_PER_HARTREE = "27.211386245988"
CM1_PER_HARTREE = "219474.6313632"
ANGSTROM_PER_BOHR = "0.529177210903"


class WrongUnit(ValueError):
    """The unit is of another quantity, or unknown; the message is a clause that says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """:param of: the quantity that it measures.
    :param factor: that it is times the first unit of its quantity.
    :param zero: where it begins, in that unit.
    """

    name: str
    of: str
    factor: Fraction
    zero: Fraction = Fraction(0)
    also: tuple[str, ...] = ()


def _unit(of: str, name: str, factor: Fraction | str, *also: str, zero: str = "0") -> Unit:
    return Unit(name=name, of=of, factor=Fraction(factor), zero=Fraction(zero), also=also)


UNITS = (
    _unit("temperature", "K", "1", "kelvin"),
    _unit("temperature", "°C", "1", "C", "celsius", "degC", zero="273.15"),
    _unit("temperature", "°F", "5/9", "F", "fahrenheit", "degF", zero="45967/180"),
    _unit("length", "Å", "1", "A", "Å", "angstrom", "angstroms", "ang"),
    _unit("length", "nm", "10"),
    _unit("length", "pm", "0.01"),
    _unit("length", "bohr", ANGSTROM_PER_BOHR, "a0"),
    _unit("time", "s", "1", "sec", "second", "seconds"),
    _unit("time", "fs", "1e-15"),
    _unit("time", "ps", "1e-12"),
    _unit("time", "ns", "1e-9"),
    _unit("time", "us", "1e-6", "microseconds"),
    _unit("time", "ms", "1e-3"),
    _unit("time", "min", "60", "minute", "minutes"),
    _unit("time", "h", "3600", "hr", "hour", "hours"),
    _unit("time", "d", "86400", "day", "days"),
    _unit("pressure", "bar", "1"),
    _unit("pressure", "atm", "1.01325"),
    _unit("pressure", "Pa", "1e-5"),
    _unit("pressure", "hPa", "1e-3", "mbar"),
    _unit("pressure", "kPa", "1e-2"),
    _unit("pressure", "MPa", "10"),
    _unit("pressure", "GPa", "1e4"),
    _unit("pressure", "torr", str(Fraction("1.01325") / 760)),
    _unit("energy", "hartree", "1", "Ha", "Eh", "Hartrees", "au"),
    _unit("energy", "mHa", "1e-3", "mhartree", "mEh"),
    _unit("energy", "eV", 1 / Fraction(EV_PER_HARTREE)),
    _unit("energy", "meV", 1 / Fraction(EV_PER_HARTREE) / 1000),
    _unit("energy", "kJ/mol", 1 / Fraction(KJ_MOL_PER_HARTREE), "kJmol-1"),
    _unit("energy", "kcal/mol", Fraction("4.184") / Fraction(KJ_MOL_PER_HARTREE), "kcalmol-1"),
    _unit("energy", "Ry", "1/2", "rydberg"),
    _unit("energy", "1/cm", 1 / Fraction(CM1_PER_HARTREE), "cm-1", "wavenumbers"),
    _unit("rate", "1/ps", "1", "/ps", "ps-1"),
    _unit("rate", "1/fs", "1e3", "/fs", "fs-1"),
    _unit("rate", "1/ns", "1e-3", "/ns", "ns-1"),
    _unit("rate", "1/s", "1e-12", "/s", "s-1"),
    _unit("concentration", "mol/L", "1", "M", "molar", "mol/dm3", "molL-1"),
    _unit("concentration", "mmol/L", "1e-3", "mM", "mol/m3"),
    _unit("share", "%", "1", "percent"),
    _unit("memory", "MiB", "1"),
    _unit("memory", "GiB", "1024"),
    _unit("memory", "KiB", str(Fraction(1, 1024))),
    _unit("memory", "MB", str(Fraction(10**6, 2**20)), "megabytes"),
    _unit("memory", "GB", str(Fraction(10**9, 2**20)), "gigabytes"),
)  # fmt: skip

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_BETWEEN = re.compile(r"[\s,;]*")
MAX_CHARS = 200


def convert(text: str, unit: str) -> float | list[float] | None:
    """The number, or the numbers, in `unit`; None where no unit was typed or `unit` has no others.

    :raises WrongUnit: it was typed in what cannot be this.
    """
    wanted = _named().get(_plain(unit))
    if wanted is None or len(text) > MAX_CHARS:
        return None
    numbers, typed = _split(text)
    if not numbers or not typed:
        return None
    given = _find(typed, wanted.of)
    found = [float(_in(wanted, given, Fraction(each))) for each in numbers]
    return found[0] if len(found) == 1 else found


def units_like(unit: str) -> list[Unit]:
    """Those that measure the same, itself among them; none where it has no others."""
    wanted = _named().get(_plain(unit))
    return [each for each in UNITS if wanted and each.of == wanted.of]


def spellings(unit: Unit) -> list[str]:
    """As a comparison without regard to blanks, carets and case has them."""
    return list(dict.fromkeys(_plain(each) for each in (unit.name, *unit.also)))


def table(wanted: str) -> dict[str, tuple[str, float, float]]:
    """For a script: by each spelling the unit's name, and factor and summand into `wanted`."""
    return {
        spelling: (unit.name, *line(unit, wanted))
        for unit in units_like(wanted)
        for spelling in spellings(unit)
    }


def line(unit: Unit, wanted: str) -> tuple[float, float]:
    """Factor and summand that make of a number in the one a number in the other."""
    into = _named()[_plain(wanted)]
    return float(unit.factor / into.factor), float((unit.zero - into.zero) / into.factor)


def _in(wanted: Unit, given: Unit, number: Fraction) -> Fraction:
    return (number * given.factor + given.zero - wanted.zero) / wanted.factor


def _split(text: str) -> tuple[list[str], str]:
    """The numbers that it begins with, and the unit that follows them."""
    text = text.replace("−", "-").strip().lstrip("[(")
    first = _NUMBER.match(text)
    if first and _plain(text[first.end() :]) in _named():
        return [first[0]], text[first.end() :]  # before the 1 of 1/ps is taken for another number
    numbers, at = [], 0
    while found := _NUMBER.match(text, at):
        numbers.append(found[0])
        between = _BETWEEN.match(text, found.end())
        at = between.end() if between else found.end()
    return numbers, text[at:].strip("])} ")


def _find(typed: str, of: str) -> Unit:
    plain = _plain(typed)
    found = _named().get(plain)
    if found is not None and found.of == of:
        return found
    near = [
        each for each in UNITS if each.of == of and any(is_near(plain, a) for a in spellings(each))
    ]
    if len(near) == 1:
        return near[0]
    known = ", ".join(each.name for each in UNITS if each.of == of)
    if found is None:
        raise WrongUnit(f"{typed.strip()} is no unit that is known here; give {of} in {known}")
    raise WrongUnit(f"{found.name} is a unit of {found.of}; give {of} in {known}")


def is_near(typed: str, spelling: str) -> bool:
    """But for capitals; a milli is no mega."""
    return typed.lower() == spelling.lower() and {typed[0], spelling[0]} != {"m", "M"}


_SAME = str.maketrans({" ": "", "^": "", "·": "", "*": "", "µ": "u", "μ": "u", "⁻": "-", "¹": "1"})


def _plain(name: str) -> str:
    return name.strip().translate(_SAME)


@cache
def _named() -> dict[str, Unit]:
    return {name: unit for unit in UNITS for name in spellings(unit)}
