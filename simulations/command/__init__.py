"""The command line, with no Django and no queue."""
