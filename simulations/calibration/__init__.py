"""Measures what simulations take on this machine, by running small real ones."""
