"""Many jobs as one."""
