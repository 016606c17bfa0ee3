"""From a file that somebody sends to a .pte, with the service killed on the way."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
import requests
import torch
from support.processes.service_process import Running, bearer, running, token


class Small(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.conv(image)).permute(0, 2, 3, 1)


def saved() -> bytes:
    torch.manual_seed(0)
    written = io.BytesIO()
    torch.export.save(torch.export.export(Small().eval(), (torch.randn(1, 3, 8, 8),)), written)
    return written.getvalue()


def calibration() -> bytes:
    written = io.BytesIO()
    np.savez(written, image=np.linspace(-2, 2, 192, dtype=np.float32).reshape(1, 3, 8, 8))
    return written.getvalue()


def send_model(service: Running, headers: dict[str, str], data: bytes, kind: str) -> requests.Response:
    return requests.post(f"{service.url}/v1/models?kind={kind}&label=small", data=data, headers=headers, timeout=200)


def events(service: Running, id: str, after: int = 0) -> Iterator[tuple[str, str]]:
    """Id and kind of each event."""
    with service.get(f"/v1/jobs/{id}/events", stream=True, headers={"Last-Event-ID": str(after)}) as answer:
        reported: dict[str, str] = {}
        for line in answer.iter_lines(decode_unicode=True):
            key, _, value = line.partition(": ")
            reported[key] = value
            if not line:  # ends an event
                if "event" in reported:
                    yield reported.get("id", ""), reported["event"]
                reported = {}


@pytest.mark.slow
def test_a_job_outlives_kill_9_of_the_service(tmp_path):
    store = tmp_path / "store.sqlite"
    with running(store) as first:
        headers = bearer(token(store, "submit"))
        assert send_model(first, headers, b"PK\x03\x04 nothing", "pt2").status_code == 422
        sent = send_model(first, headers, saved(), "pt2")
        assert sent.status_code == 201, sent.text
        model = sent.json()
        assert model["inputs"] == [{"name": "image", "shape": [1, 3, 8, 8], "dtype": "float32"}]
        assert send_model(first, headers, saved(), "pt2").json() == model, "the same file is the same model"
        inputs = send_model(first, headers, calibration(), "npz").json()
        assert (inputs["inputs"][0]["shape"], inputs["samples"]) == ([1, 3, 8, 8], 1)
        asked = {"model": model["model"], "target": "ethos-u55-128", "trials": 4, "timeout_seconds": 60}
        asked |= {"calibration_data": inputs["model"], "allow_requant": 1}
        swapped = {**asked, "model": inputs["model"]}
        refused = requests.post(f"{first.url}/v1/jobs", json=swapped, headers=headers, timeout=60)
        assert refused.status_code == 422 and "no such model" in refused.json()["message"]
        id = requests.post(f"{first.url}/v1/jobs", json=asked, headers=headers, timeout=60).json()["id"]
        seen = next(events(first, id))
        assert seen == ("1", "lowering")
        first.kill()
    with running(store) as second:
        kinds = [kind for _, kind in events(second, id, after=1)]
        assert kinds[0] == "lowering", "it began again, and nothing was reported twice"
        assert kinds[-2:] == ["best", "end"]
        job = second.get(f"/v1/jobs/{id}").json()
        assert (job["state"], job["attempts"]) == ("done", 2), job
        found = second.get(f"/v1/lookup/{job['identity']}").json()
        assert found["answer"] == "hit" and found["best"]["model"] == "small.pt2"
        assert found["best"]["quantisation"]["calibrated_on"] == "files"
        assert found["best"]["objective"]["max_sqnr_loss_db"] == "1.0"
        pte = second.get(f"/v1/results/{job['identity']}/model.pte")
        assert pte.status_code == 200 and pte.content[4:8].startswith(b"ET")
