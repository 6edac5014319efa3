"""Molecular dynamics with OpenMM: systems, ensembles, and runs that survive their machine."""
