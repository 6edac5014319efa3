"""RQ alone, which is also what carries our jobs: a function, a queue in Redis, two workers."""
