"""What a user without a backplane would write: an engine, a script, and no more."""
