"""How fast the app answers, beside the bare model and beside the way tutorials serve CLIP.

`python benchmarks/serving.py` prints one Markdown report; `benchmarks/README.md` has one and says
how to read it. Nothing here passes or fails by time.

The tutorial way is a `gr.Interface` that saves each upload to a file, opens it, and encodes the
image and all prompts anew with plain float32 open_clip. Both servers are processes of their own on
127.0.0.1 and are asked through `gradio_client`, each user with a client of their own, and the app
over plain HTTP at /v1 too. The clients share the processor with the server they ask, so the report
says how much of it they took. `--soak MINUTES` does nothing but ask /v1 for so long, compare every
answer with this process's, and watch the server's memory.
"""

import argparse
import itertools
import os
import platform
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr  # noqa: E402
import httpx  # noqa: E402
import plain_http  # noqa: E402
import torch  # noqa: E402
from app_server import ask_without_client, server  # noqa: E402
from gradio_client import Client, handle_file  # noqa: E402
from PIL import Image, ImageOps  # noqa: E402

from clip_app.images import SUPPORTED_SUFFIXES  # noqa: E402
from clip_app.model.catalog import find_model  # noqa: E402
from clip_app.model.service import ModelService  # noqa: E402
from clip_app.model.torch_engine import load_open_clip  # noqa: E402
from clip_app.prompts import parse_labels  # noqa: E402
from clip_app.settings import Settings  # noqa: E402
from clip_app.tasks.classify import classify  # noqa: E402

LABELS = "cat, dog, flower, rocket, coffee, temple, car, mountain, photographer, night sky"
TEMPLATE = "a photo of a {}."
USERS = (1, 8, 32)
BATCHES = (1, 4, 8, 16, 32)

# Users start together and reach their pace in this time, which is not counted.
WARM_UP_SECONDS = 1.5

# Distinct photographs made for each second of load: more than two CPU cores can answer.
PHOTOS_PER_SECOND = 220

# Connections that stay open while others ask.
IDLE = 1000

# Photographs of a soak, more than the cache of one megabyte holds.
SOAKED_PHOTOS = 2000

Ask = Callable[[Any, Path], Any]


@dataclass(frozen=True)
class Load:
    """What concurrent users got: images a second, and the cores their own clients kept busy."""

    images_per_second: float
    client_cores: float

    def __str__(self) -> str:
        return f"{self.images_per_second:.1f} ({self.client_cores:.2f})"


@dataclass(frozen=True)
class Latency:
    """Milliseconds an answer took."""

    median: float
    p95: float

    def __str__(self) -> str:
        return f"{self.median:.1f} | {self.p95:.1f}"


def main() -> None:
    """Measure everything and print the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, default=ROOT / "assets/examples")
    parser.add_argument("--seconds", type=float, default=8, help="length of each measurement")
    parser.add_argument("--model", default="starter")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="ask for so long, no more")
    parser.add_argument("--tutorial-port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.tutorial_port:
        serve_tutorial(options.model, options.tutorial_port)
        return
    with tempfile.TemporaryDirectory() as folder:
        print(f"Python {platform.python_version()}, torch {torch.__version__}, ", end="")
        print(f"{os.cpu_count()} cores, {torch.get_num_threads()} threads, model {options.model}")
        if hasattr(os, "getloadavg"):  # other work on the machine would spoil every figure
            print(f"load average before: {os.getloadavg()[0]:.1f}")
        plain_http.allow_files(4 * IDLE)
        if options.soak:
            photos = distinct_photos(options.photos, folder, SOAKED_PHOTOS)
            soak(options.model, options.soak, photos)
            return
        number = int(PHOTOS_PER_SECOND * options.seconds * (2 * len(USERS) + 4))
        measure(options.model, options.seconds, distinct_photos(options.photos, folder, number))


def measure(model: str, seconds: float, photos: Sequence[Path]) -> None:
    """Measure the bare model, then each server by itself, and print."""
    plain, frozen, forward_plain, forward_frozen, in_process, limit = bare(model, seconds, photos)

    unseen = iter(photos)  # The app gets each photograph once, or it would answer from its cache.
    app = [sys.executable, "app.py", "--model", model, "--port"]
    with server(app) as (url, started):
        client = connect(url)
        ask_app(client, next(unseen))
        first_answer = time.perf_counter() - started
        before = client.predict(api_name="/health")["images"]
        sent = itertools.count()
        app_photos = Shared(unseen, sent)
        app_latency = latency(lambda: ask_app(client, app_photos.next()), seconds)
        with httpx.Client(base_url=url, trust_env=False) as http:
            ask = partial(ask_without_client, http, "classify", [LABELS, "single", 0])
            app_direct = latency(lambda: ask(app_photos.next()), seconds)
        connection = plain_http.connect(url)
        app_plain = latency(lambda: ask_plain(connection, app_photos.next()), seconds)
        app_loads = [load(url, ask_app, users, seconds, app_photos) for users in USERS]
        plain_loads = [
            load(url, ask_plain, users, seconds, app_photos, plain_http.connect)
            for users in USERS[:-1]
        ]
        process = plain_http.server_process()
        busy, asked = plain_http.busy_ms(process), next(sent)
        plain_loads.append(load(url, ask_plain, USERS[-1], seconds, app_photos, plain_http.connect))
        busy_each = (plain_http.busy_ms(process) - busy) / (next(sent) - asked - 1)
        with plain_http.idle_connections(url, IDLE):
            crowded = load(url, ask_plain, USERS[-1], seconds, app_photos, plain_http.connect)
        encoded = client.predict(api_name="/health")["images"] - before
        sent_number = next(sent) - 2  # it was looked at twice

    again = Shared(itertools.cycle(photos), itertools.count())
    tutorial = [sys.executable, __file__, "--model", model, "--tutorial-port"]
    with server(tutorial) as (url, started):
        client = connect(url)
        ask_tutorial(client, again.next())
        tutorial_first = time.perf_counter() - started
        tutorial_latency = latency(lambda: ask_tutorial(client, again.next()), seconds)
        with httpx.Client(base_url=url, trust_env=False) as http:
            ask = partial(ask_without_client, http, "predict", [LABELS])
            tutorial_direct = latency(lambda: ask(again.next()), seconds)
            ask = partial(ask_without_client, http, "nothing", [])
            nothing_direct = latency(lambda: ask(again.next()), seconds)
        tutorial_loads = [load(url, ask_tutorial, users, seconds, again) for users in USERS]

    print("\n| | clip_app | tutorial way |\n|---|---:|---:|")
    print(f"| start to first answer, s | {first_answer:.1f} | {tutorial_first:.1f} |")
    print("\n| one image, ms | median | p95 |\n|---|---:|---:|")
    print(f"| bare forward, plain float32 | {forward_plain} |")
    print(f"| bare forward, the app's image tower | {forward_frozen} |")
    print(f"| in-process `classify` of a file | {in_process} |")
    print(f"| Gradio alone, HTTP: takes the photo and returns | {nothing_direct} |")
    print(f"| clip_app, plain HTTP at /v1 | {app_plain} |")
    print(f"| clip_app, HTTP by way of Gradio | {app_direct} |")
    print(f"| tutorial way, HTTP | {tutorial_direct} |")
    print(f"| clip_app, `gradio_client` | {app_latency} |")
    print(f"| tutorial way, `gradio_client` | {tutorial_latency} |")
    print("\n| images/s | plain float32 | the app's image tower |\n|---|---:|---:|")
    for batch in BATCHES:
        print(f"| bare model, batch {batch} | {plain[batch]:.1f} | {frozen[batch]:.1f} |")
    most_possible, least_busy = limit
    print("| decoded, preprocessed and encoded in one process: the limit | | ", end="")
    print(f"{most_possible:.1f} |")
    print("\n| images/s (cores taken by the clients) | /v1 | by way of Gradio | tutorial way |")
    print("|---|---:|---:|---:|")
    for users, *loads in zip(USERS, plain_loads, app_loads, tutorial_loads, strict=True):
        print(f"| {users} users | {' | '.join(map(str, loads))} |")
    print(f"| {USERS[-1]} users, {IDLE:,} more connections open | {crowded} | | |")
    most = plain_loads[-1].images_per_second
    best_plain, best_frozen = max(plain.values()), max(frozen.values())
    print("\n| aim | measured |\n|---|---:|")
    print(f"| throughput at {USERS[-1]} users ≥ 3 × the tutorial way | ", end="")
    print(f"{most / tutorial_loads[-1].images_per_second:.2f} |")
    print(f"| latency ≥ 3 × shorter | {tutorial_direct.median / app_plain.median:.2f} |")
    print(f"| at {USERS[-1]} users ≥ 0.8 of the limit | {most / most_possible:.2f} |")
    print(
        f"| the limit's processor time, of /v1's ({least_busy:.1f} of {busy_each:.1f} ms) | ",
        end="",
    )
    print(f"{least_busy / busy_each:.2f} |")
    gradio_most = app_loads[-1].images_per_second
    print(f"| by way of Gradio, of the limit | {gradio_most / most_possible:.2f} |")
    print(f"| at {USERS[-1]} users ≥ 0.8 of plain float32 | {most / best_plain:.2f} |")
    print(f"| at {USERS[-1]} users ≥ 0.8 of the app's image tower | {most / best_frozen:.2f} |")
    print(f"| overhead per request ≤ 5 ms | {app_plain.median - in_process.median:.1f} |")
    print(f"| by way of Gradio | {app_direct.median - in_process.median:.1f} |")
    print(f"\nThe app encoded {encoded} images for {sent_number} photographs sent.")


def bare(
    model: str, seconds: float, photos: Sequence[Path]
) -> tuple[dict[int, float], dict[int, float], Latency, Latency, Latency, tuple[float, float]]:
    """Throughput by batch size and one-image latency, plain and as the app runs it, in-process.

    The last is what `plain_http.limit` returns.
    """
    plain_model, preprocess, _ = load_open_clip(find_model(model))
    service = ModelService(find_model(model), Settings(model=model))
    device = service.info.device.split()[0]
    plain_model.to(device)
    some = [Image.open(path).convert("RGB") for path in photos[: BATCHES[-1]]]
    pixels = torch.stack([preprocess(picture) for picture in some])
    ready = [service.preprocess(picture) for picture in some]

    def plain(batch: int) -> None:
        with torch.inference_mode():
            plain_model.encode_image(pixels[:batch].to(device)).cpu()

    def frozen(batch: int) -> None:
        service.encode_pixels(ready[:batch])

    each = seconds / 4
    rates = [
        {batch: batch * 1000 / latency(partial(run, batch), each).median for batch in BATCHES}
        for run in (plain, frozen)
    ]
    forward_plain = latency(lambda: plain(1), each)
    forward_frozen = latency(lambda: frozen(1), each)
    first, *files = photos[:400]
    classify(service, [first], LABELS)  # encodes the labels and the background
    durations = []
    deadline = time.perf_counter() + seconds
    for path in files:
        began = time.perf_counter()
        classify(service, [path], LABELS)
        durations.append(time.perf_counter() - began)
        if time.perf_counter() > deadline:
            break
    limit = plain_http.limit(service, photos, seconds)
    return rates[0], rates[1], forward_plain, forward_frozen, summary(durations), limit


class Shared:
    """The next photograph for whichever user asks."""

    def __init__(self, photos: Iterator[Path], taken: Iterator[int]) -> None:
        self._photos = photos
        self._taken = taken
        self._lock = threading.Lock()

    def next(self) -> Path:
        """A photograph nobody else got.

        Raises:
            RuntimeError: if there are no more.
        """
        with self._lock:
            photo = next(self._photos, None)
            if photo is None:
                raise RuntimeError("This machine answers faster: raise PHOTOS_PER_SECOND.")
            next(self._taken)
            return photo


def latency(call: Callable[[], Any], seconds: float) -> Latency:
    """Call again and again, one at a time, after three calls that do not count."""
    for _ in range(3):
        call()
    durations = []
    deadline = time.perf_counter() + seconds
    while not durations or time.perf_counter() < deadline:
        began = time.perf_counter()
        call()
        durations.append(time.perf_counter() - began)
    return summary(durations)


def summary(durations: Sequence[float]) -> Latency:
    """Median and 95th percentile of seconds, in milliseconds."""
    ordered = sorted(durations)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return Latency(1000 * statistics.median(ordered), 1000 * p95)


def load(
    url: str,
    ask: Ask,
    users: int,
    seconds: float,
    photos: Shared,
    connected: Callable[[str], Any] | None = None,
) -> Load:
    """Images a second that `users` get who each ask again as soon as they are answered.

    `connected` makes what `ask` is given for each; by default a `gradio_client`.
    """
    with ThreadPoolExecutor(users) as pool:
        clients = list(pool.map(lambda _: (connected or connect)(url), range(users)))
        begin = time.perf_counter() + WARM_UP_SECONDS
        end = begin + seconds
        answered: list[float] = []

        def use(client: Any) -> None:
            while time.perf_counter() < end:
                ask(client, photos.next())
                answered.append(time.perf_counter())

        futures = [pool.submit(use, client) for client in clients]
        time.sleep(WARM_UP_SECONDS)
        busy = time.process_time()
        time.sleep(max(0, end - time.perf_counter()))
        busy = time.process_time() - busy
        for future in futures:
            future.result()
    for client in clients:
        client.close()
    return Load(sum(begin <= t < end for t in answered) / seconds, busy / seconds)


def connect(url: str) -> Client:
    """A user's client. The address is plain HTTP, so certificates, which `gradio_client` would
    read anew for each of a request's four connections, are left out.
    """
    return Client(url, verbose=False, ssl_verify=False)


def ask_app(client: Client, photo: Path) -> Any:
    """One request to the app, as a script would make it."""
    return client.predict(handle_file(photo), LABELS, "single", 0, api_name="/classify")


def ask_plain(connection: plain_http.Connection, photo: Path) -> Any:
    """One request to /v1."""
    return plain_http.ask(connection, photo, LABELS)


def soak(model: str, minutes: float, photos: Sequence[Path]) -> None:
    """Ask /v1 as the most users for so long, and print what came of it."""
    service = ModelService(find_model(model), Settings(model=model))
    command = [sys.executable, "app.py", "--model", model, "--port"]
    with server(command, {"CLIP_APP_CACHE_MB": "1"}) as (url, _):
        process = plain_http.server_process()
        found = plain_http.soak(url, process, service, photos, LABELS, USERS[-1], minutes)
    memory = found.megabytes
    shown = [memory[int(share * (len(memory) - 1))] for share in (0.1, 0.25, 0.5, 0.75, 1)]
    print(f"\n| {minutes:g} minutes at {USERS[-1]} users | |\n|---|---:|")
    print(f"| answers | {found.answers:,} |\n| wrong | {found.wrong} |")
    print(f"| MB after 10, 25, 50, 75, 100 % | {', '.join(f'{one:.0f}' for one in shown)} |")


def ask_tutorial(client: Client, photo: Path) -> Any:
    """One request to the tutorial way."""
    return client.predict(handle_file(photo), LABELS, api_name="/predict")


def serve_tutorial(model: str, port: int) -> None:
    """Serve CLIP as tutorials do, until ended."""
    clip, preprocess, tokenizer = load_open_clip(find_model(model))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    clip.to(device)

    def predict(path: str, labels: str) -> dict[str, float]:
        names = parse_labels(labels)
        pixels = preprocess(Image.open(path).convert("RGB")).unsqueeze(0).to(device)
        tokens = tokenizer([TEMPLATE.format(name) for name in names]).to(device)
        with torch.no_grad():
            images = clip.encode_image(pixels, normalize=True)
            texts = clip.encode_text(tokens, normalize=True)
            scores = (clip.logit_scale.exp() * images @ texts.T).softmax(dim=-1)[0]
        return dict(zip(names, scores.tolist(), strict=True))

    with gr.Blocks() as demo:
        gr.Interface(predict, [gr.Image(type="filepath"), "text"], gr.Label())
        gr.Interface(lambda path: "", gr.File(), "text", api_name="nothing")
    demo.launch(server_name="127.0.0.1", server_port=port, quiet=True)


def distinct_photos(source: Path, folder: str, number: int) -> list[Path]:
    """`number` JPEG files: crops of the photographs in `source`, half of them mirrored."""
    originals = [
        ImageOps.exif_transpose(Image.open(path)).convert("RGB")
        for path in sorted(source.iterdir())
        if path.suffix.lower() in SUPPORTED_SUFFIXES
    ]
    chance = random.Random(0)
    paths = []
    for index in range(number):
        original = originals[index % len(originals)]
        width, height = (int(side * chance.uniform(0.8, 0.98)) for side in original.size)
        left = chance.randrange(original.width - width + 1)
        top = chance.randrange(original.height - height + 1)
        photo = original.crop((left, top, left + width, top + height))
        path = Path(folder) / f"{index}.jpg"
        (ImageOps.mirror(photo) if chance.random() < 0.5 else photo).save(path, quality=90)
        paths.append(path)
    return paths


if __name__ == "__main__":
    main()
