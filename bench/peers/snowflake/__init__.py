"""QCFractal's snowflake: all of QCArchive for one machine, with PostgreSQL."""
