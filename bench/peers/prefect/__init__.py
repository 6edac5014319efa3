"""Prefect 3: tasks in the background, which are to its flows what a job is to a campaign."""
