"""The web process: a job is put on Celery's queue, and its state read from Celery's results."""

from typing import Any

from celery.result import AsyncResult
from fastapi import FastAPI
from pydantic import BaseModel

from .tasks import celery_app, run_simulation

app = FastAPI()


class Job(BaseModel):
    experiment_name: str
    molecule_smiles: str
    simulation_type: str
    parameters: dict[str, Any]


@app.post("/submit_job")
async def submit_job(job: Job) -> dict[str, Any]:
    task = run_simulation.delay(job.model_dump())
    return {"job_id": task.id, "status": "QUEUED"}


@app.get("/job_status/{job_id}")
async def job_status(job_id: str) -> dict[str, Any]:
    task = AsyncResult(job_id, app=celery_app)
    body: dict[str, Any] = {"job_id": job_id, "status": task.status}
    if task.status == "SUCCESS":
        body["result"] = task.result
    return body
