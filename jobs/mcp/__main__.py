"""`python -m jobs.mcp`: the agents' door over stdio."""

from .stdio import main

main()
