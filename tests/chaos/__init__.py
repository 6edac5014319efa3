"""Hundreds of short real jobs under random faults, and then the count of what became of them."""
