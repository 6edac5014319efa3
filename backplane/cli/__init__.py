"""The command line, `backplane`: thin over the client."""
