"""What the supervisor and its web processes have agreed on: neither loads the other for it."""

import signal

SIGNAL = signal.SIGUSR1
"""Step back: another process has the socket."""
WITHIN_S = 30
"""Who streams longer than that is cut off, and goes on from where they were by its last event."""
READY_FILE = "BACKPLANE_READY_FILE"
"""An empty file, if there is one, that is written to once a web process listens."""
