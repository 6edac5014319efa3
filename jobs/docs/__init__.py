"""What agents and people read before they use the site: Markdown first, and as light pages."""
