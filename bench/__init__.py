"""Questions of speed, one file each, answered on this machine: `python -m bench.NAME`."""
