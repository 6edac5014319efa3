"""Moments as the rest of the site writes them: the operators' pages are in UTC, by 24 hours."""

DATE_FORMAT = "j M Y"
DATETIME_FORMAT = "j M Y, H:i"
TIME_FORMAT = "H:i"
