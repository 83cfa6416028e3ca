"""A process that loads the starter once and forks a child for each job, to be killed at will.

It uses one thread, so that there is no pool of threads which a fork would leave behind.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class Child:
    """A running job."""

    def __init__(self, zygote: subprocess.Popen[str], pid: int, answer: Path) -> None:
        self._zygote = zygote
        self.pid = pid
        self._answer = answer

    def kill(self, signal: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal)

    def wait(self) -> int:
        """How it ended: 0, or minus the signal."""
        assert self._zygote.stdout is not None
        return os.waitstatus_to_exitcode(int(self._zygote.stdout.readline()))

    def result(self) -> Any:
        """What the function returned, once it ended by itself."""
        assert self.wait() == 0
        answer = json.loads(self._answer.read_text("utf-8"))
        assert "error" not in answer, answer["error"]
        return answer["result"]


class Zygote:
    def __init__(self) -> None:
        self._answers = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.zygote"],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def start(self, function: str, **arguments: Any) -> Child:
        """Run `tests.fault_jobs.<function>(service, **arguments)` in a child of its own."""
        answer = Path(self._answers.name) / "answer.json"
        answer.unlink(missing_ok=True)
        job = {"function": function, "arguments": arguments, "answer": str(answer)}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return Child(self._process, int(self._process.stdout.readline()), answer)

    def run(self, function: str, **arguments: Any) -> Any:
        return self.start(function, **arguments).result()

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._answers.cleanup()


def _main() -> None:
    import torch

    torch.set_num_threads(1)
    from clip_app.model.slot import load_model
    from clip_app.settings import Settings

    jobs = importlib.import_module("tests.fault_jobs")
    service = load_model(Settings(model="starter", device="cpu"))
    print("ready", flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if pid == 0:
            # torch makes its pool anew on first use after a fork, and fails where two threads do.
            with suppress(RuntimeError):
                torch.set_num_threads(1)
            # A fork leaves threads behind, so the service gets a new one to compute on.
            service._device.__init__(service._engine.passes)  # type: ignore[misc, call-arg]
            try:
                answer = {"result": getattr(jobs, job["function"])(service, **job["arguments"])}
            except BaseException as error:  # noqa: BLE001 - told to the test
                answer = {"error": f"{type(error).__name__}: {error}"}
            Path(job["answer"]).write_text(json.dumps(answer), "utf-8")
            os._exit(0)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(status, flush=True)


if __name__ == "__main__":
    _main()
