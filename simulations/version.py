"""The version of the backplane, as pyproject.toml has it: it is run from a checkout."""

VERSION = "0.1.0"
