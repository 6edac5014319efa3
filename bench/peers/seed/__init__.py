"""FastAPI, Celery and Redis: the architecture that this project began with."""
