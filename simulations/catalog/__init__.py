"""One file per simulation type; importing a file here is what makes it known."""
