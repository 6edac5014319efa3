"""Whether what is installed is what was pinned, no more, no less and no other version.

Advisories would need a database from the network, which the build does not have: with it, run
`pip-audit -r deploy/constraints.txt`.
"""

from __future__ import annotations

import sys
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CONSTRAINTS = Path(__file__).with_name("constraints.txt")
COMES_WITH_PYTHON = {"pip", "setuptools", "wheel"}


def pinned(text: str) -> dict[str, str]:
    """The version of each package that this Python on this system is to have.

    :raises ValueError: a line pins nothing.
    """
    found = {}
    for line in filter(None, (line.split("#")[0].strip() for line in text.splitlines())):
        requirement = Requirement(line)
        (pin, *more) = requirement.specifier or (None,)
        if pin is None or more or pin.operator != "==" or "*" in pin.version:
            raise ValueError(f"{line!r} does not pin one version")
        if requirement.marker is None or requirement.marker.evaluate():
            found[canonicalize_name(requirement.name)] = pin.version
    return found


def complaints(pins: dict[str, str], installed: dict[str, str]) -> list[str]:
    unpinned = installed.keys() - pins.keys() - COMES_WITH_PYTHON
    missing = pins.keys() - installed.keys()
    return [
        *(f"{name} {installed[name]} is installed and not pinned" for name in sorted(unpinned)),
        *(f"{name} {pins[name]} is pinned and not installed" for name in sorted(missing)),
        *(
            f"{name} {installed[name]} is installed, and {pins[name]} is pinned"
            for name in sorted(pins.keys() & installed.keys())
            if installed[name] != pins[name]
        ),
    ]  # fmt: skip


def installed_here() -> dict[str, str]:
    return {canonicalize_name(each.name): each.version for each in distributions()}


if __name__ == "__main__":
    found = complaints(pinned(CONSTRAINTS.read_text()), installed_here())
    sys.exit("\n".join(found) or 0)
