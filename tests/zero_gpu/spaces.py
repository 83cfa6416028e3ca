"""What a Space with a lent GPU has by this name, as far as the app uses it, without a GPU.

As with the real one, CUDA is emulated on the thread that imported this, and on no other; a model
that is put there before the page is served has numbers only inside of lent functions, which run in
a process forked for them: arguments and results go through a pipe, and of what is raised there only
the name arrives. What happens is noted, a line of JSON each, in the file that SPACES_STAND_IN_LOG
names. A visitor whose X-IP-Token is "spent" has no quota left, one whose is "waiting" is lent a GPU
once there is a file of that name with ".go" behind it.
"""

import functools
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import gradio as gr
import torch
from gradio.context import LocalContext
from torch.overrides import TorchFunctionMode

_importer = threading.current_thread()
_placed: list[tuple[dict, str, Any, Any]] = []  # (where, name, with numbers, without)
_lent: list[str] = []


def _note(what: str, **more: Any) -> None:
    with open(os.environ["SPACES_STAND_IN_LOG"], "a", encoding="utf-8") as file:
        file.write(json.dumps({"what": what, **more}) + "\n")


_process = os.getpid()
_capturing = torch.cuda.is_current_stream_capturing


def _asks_cuda() -> bool:
    """Not emulated by the real one either: it starts CUDA's driver, which no fork can use then."""
    if os.getpid() == _process:
        _note("CUDA started")
    return _capturing()


_to = torch.nn.Module.to


def _place(model: torch.nn.Module, device: Any = None, *args: Any, **how: Any) -> torch.nn.Module:
    if getattr(device, "type", device) != "cuda" or threading.current_thread() is not _importer:
        return _to(model, device, *args, **how)
    for module in model.modules():
        for store in (module._parameters, module._buffers):
            for name, tensor in store.items():
                if tensor is not None:
                    fake = tensor.detach().to("meta")
                    if isinstance(tensor, torch.nn.Parameter):
                        fake = torch.nn.Parameter(fake, requires_grad=False)
                    _placed.append((store, name, tensor, fake))
    _show(numbers=False)
    _note("placed", tensors=len(_placed))
    return model


def _show(*, numbers: bool) -> None:
    for store, name, real, fake in _placed:
        store[name] = real if numbers else fake


class _Lent(TorchFunctionMode):
    """Inside of a lent function: what is asked for on CUDA is there, on the CPU."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        here = torch.device("cpu")
        args = [here if getattr(one, "type", "") == "cuda" else one for one in args]
        return func(*args, **(kwargs or {}))


def GPU(duration: int) -> Callable[[Callable], Callable]:  # noqa: N802
    def lend(function: Callable) -> Callable:
        _lent.append(function.__name__)

        @functools.wraps(function)
        def lent(*args: Any) -> Any:
            visitor = LocalContext.request.get(None)
            token = visitor.headers.get("x-ip-token") if visitor else None
            if token == "spent":
                raise gr.Error("You have exceeded your free ZeroGPU quota. Try again in 0:10:00. ")
            while (
                token == "waiting" and not Path(os.environ["SPACES_STAND_IN_LOG"] + ".go").exists()
            ):
                time.sleep(0.02)
            _note("lent", seconds=duration, visitor=visitor is not None)
            forks = multiprocessing.get_context("fork")
            here, there = forks.Pipe()
            forks.Process(target=_work, args=(there, function), daemon=True).start()
            there.close()
            here.send(args)
            answer, error = here.recv()
            if error:
                raise gr.Error(error, title="ZeroGPU worker error", print_exception=False)
            return answer

        return lent

    return lend


def _work(there: Connection, function: Callable) -> None:
    _show(numbers=True)

    def run() -> None:
        args = there.recv()
        try:
            # As autocast on CUDA does: the weights lie in half precision there.
            with _Lent(), torch.autocast("cpu", torch.float16):
                answer = function(*args), None
        except Exception as error:  # noqa: BLE001 - as the real one does
            answer = None, type(error).__name__
        there.send(answer)

    working = threading.Thread(target=run)
    working.start()
    working.join()


_launch = gr.Blocks.launch


def _launch_and_note(*args: Any, **how: Any) -> Any:
    _note("served", functions=_lent)
    return _launch(*args, **how)


torch.nn.Module.to = _place
gr.Blocks.launch = _launch_and_note
torch.cuda.is_current_stream_capturing = _asks_cuda
torch.cuda.is_available = lambda: True
torch.cuda.device_count = lambda: 1
torch.cuda.get_device_name = lambda *_: "stand-in"
