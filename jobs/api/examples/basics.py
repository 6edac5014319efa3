"""Jobs as they are asked for, files, events, simulations, and the older endpoints."""

from __future__ import annotations

from typing import Any

JOB_ID = "6f1c2d3e-0a4b-4c5d-8e6f-7a8b9c0d1e2f"
FILE_ID = "2c3d4e5f-6071-4829-9bac-1d2e3f4a5b6c"
ARTIFACT = "http://127.0.0.1:8000/api/v1/signed/4e5f6071-8293-4a4b-8dce-3f4a5b6c7d8e"
SUBMISSIONS = {
    "the demo": {"simulation": "demo.sum_squares", "params": {"n": 3}, "name": "Squares"},
    "a geometry in seconds": {
        "simulation": "xtb_optimization",
        "params": {"structure": "CCO"},
        "name": "Ethanol",
        "tags": ["solvents"],
    },
    "DFT within limits": {
        "simulation": "dft_optimization",
        "params": {"structure": "O", "functional": "B3LYP", "basis": "6-31g*"},
        "priority": "high",
        "limits": {"wall_time_s": 86400, "memory_mib": 4000},
        "retry": {"max_attempts": 5, "on": ["timeout"]},
    },
}
STORED_FILE = {
    "id": FILE_ID,
    "sha256": "0b1f9ff8bd0a4b4e6fdd7b1e8ec1d7f2a6f7c31b6f0d6c1e6a1f0c5d8b7a9e3c",
    "name": "water.xyz",
    "size_bytes": 59,
    "format": "xyz",
    "created_at": "2026-11-23T10:00:00Z",
    "links": {
        "self": f"/api/v1/files/{FILE_ID}",
        "content": f"/api/v1/files/{FILE_ID}/content",
    },
}
SUCCEEDED = {
    "seq": 3,
    "kind": "succeeded",
    "at": "2026-11-23T10:00:02Z",
    "state": "succeeded",
    "reason": "",
    "progress": 1.0,
    "message": "term 3 of 3",
    "stage": "",
}

REQUESTS: dict[str, dict[str, Any]] = {
    "submit_job": SUBMISSIONS,
    "check_job": SUBMISSIONS,
    "change_job": {"before my others": {"priority": "high"}},
    "run_job_again": {
        "as it was": {},
        "with another param": {"patch": {"params": {"n": 4}}},
    },
    "restart_job": {"with more time": {"limits": {"wall_time_s": 172800}}},
    "sign_artifact_url": {"for an hour": {"expires_in_s": 3600}},
    "acknowledge_events": {"all of that answer": {"cursor": "42"}},
    "seed_submit_job": {
        "an optimisation": {
            "experiment_name": "Ethanol",
            "molecule_smiles": "CCO",
            "simulation_type": "dft_optimization",
            "parameters": {},
        }
    },
}

ANSWERS: dict[str, Any] = {
    "list_files": {"next": None, "previous": None, "results": [STORED_FILE]},
    "upload_file": STORED_FILE,
    "get_file": STORED_FILE,
    "list_job_events": {"events": [SUCCEEDED], "last_seq": 3, "state": "succeeded"},
    "sign_artifact_url": {
        "url": f"{ARTIFACT}?until=1795431600&signature=q2fT0mJm5rWc8sZ1xYbN3vKd7hLp4gEa9uRo6iQt0",
        "expires_at": "2026-11-23T11:00:00Z",
    },
    "get_job_log": {
        "attempt": 1,
        "offset": 0,
        "next_offset": 14,
        "size_bytes": 14,
        "complete": True,
        "text": "SCF converged\n",
    },
    "list_events": {
        "events": [
            {
                "seq": 3,
                "kind": "succeeded",
                "at": "2026-11-23T10:00:02Z",
                "state": "succeeded",
                "reason": "",
                "job": {
                    "id": JOB_ID,
                    "name": "Squares",
                    "simulation": "demo.sum_squares",
                    "summary": {"total": 14},
                },
            }
        ],
        "cursor": "42",
        "acknowledged": "41",
        "has_more": False,
    },
    "acknowledge_events": {"acknowledged": "42"},
    "list_simulations": [
        {
            "name": "demo.sum_squares",
            "title": "Sum of squares",
            "summary": "Adds 1² + 2² + … + n²: shows what a simulation is made of.",
            "version": "1",
            "available": True,
            "stages": [],
            "presets": [],
            "params_schema": {
                "type": "object",
                "properties": {
                    "n": {"type": "integer", "minimum": 1, "maximum": 10000, "default": 10}
                },
            },
            "result_schema": {
                "type": "object",
                "properties": {"total": {"type": "integer"}},
                "required": ["total"],
            },
        }
    ],
    "seed_submit_job": {"job_id": JOB_ID, "status": "QUEUED"},
    "seed_job_status": {
        "job_id": JOB_ID,
        "status": "RUNNING",
        "progress": 0.4,
        "message": "SCF cycle 6",
        "notes": [],
    },
}
ANSWERS["get_simulation"] = ANSWERS["list_simulations"][0]
