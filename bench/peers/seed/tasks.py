"""The worker: one task, which does what `demo.sum_squares` does with one term."""

import os
import time
from typing import Any

from celery import Celery

REDIS = os.environ["SEED_REDIS"]

celery_app = Celery("tasks", broker=REDIS, backend=REDIS)
celery_app.conf.task_track_started = True


@celery_app.task(bind=True)
def run_simulation(self: Any, job: dict[str, Any]) -> dict[str, Any]:
    started_at = time.time()
    total = 0
    n = job["parameters"]["n"]
    for i in range(1, n + 1):
        total += i * i
        self.update_state(state="PROGRESS", meta={"progress": i / n})
    return {"total": total, "started_at": started_at, "finished_at": time.time()}
