"""Downloads that fail end in one sentence, keep what has arrived, and go on from it."""

import io
import logging
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, nullcontext

import huggingface_hub
import pytest
import transformers.utils.hub

from clip_app.errors import DownloadError, HubUnreachableError, ModelError, StorageError
from clip_app.model import download_progress
from clip_app.model import hub as downloads
from clip_app.model import slot as model_slot
from clip_app.model.catalog import find_model
from clip_app.model.download_progress import DownloadProgress
from clip_app.model.slot import ModelSlot, load_model, open_slot
from clip_app.settings import Settings
from clip_app.ui.tabs.model import told
from tests.conftest import EXAMPLES, PATIENCE_SECONDS, ROOT, wait_for
from tests.hub_stand_in import CONFIG, MODEL, WEIGHTS, Fault, served, write_repositories

pytestmark = pytest.mark.slow

NAMED = Settings(model=MODEL, device="cpu")
AUTOMATIC = Settings(model="auto", device="cpu")


@pytest.fixture(scope="module")
def repositories(tmp_path_factory):
    root = tmp_path_factory.mktemp("hub")
    write_repositories(root)
    return root


@pytest.fixture
def hub(repositories, tmp_path, monkeypatch):
    """A hub that works until a test says otherwise, and an empty cache; downloads end with it."""
    begun = []
    begin = ModelSlot.change_once_downloaded

    def begin_and_note(slot, source):
        begun.append((slot, begin(slot, source)))
        return begun[-1][1]

    monkeypatch.setattr(ModelSlot, "change_once_downloaded", begin_and_note)
    with served(repositories) as running:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", running.url)
        # transformers asks the hub whose address it found first; it is to find this one.
        monkeypatch.setattr(transformers.utils.hub, "_hf_api", None)
        template = running.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DOWNLOAD_TIMEOUT", PATIENCE_SECONDS)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_ETAG_TIMEOUT", PATIENCE_SECONDS)
        monkeypatch.setattr(downloads, "_PAUSE_SECONDS", 0.0)
        monkeypatch.setattr(model_slot, "DEFAULT_PRESET", MODEL)
        monkeypatch.setattr(model_slot, "_RETRY_SECONDS", 1_000_000)
        # In this process, which may be at something else, the hub takes its time to answer.
        monkeypatch.setattr(downloads, "HUB_TIMEOUT_SECONDS", PATIENCE_SECONDS)
        yield running
    for slot, thread in begun:  # of a test that failed, one would go on into the next
        slot._service = None
        slot._chosen.set()
        thread.join(PATIENCE_SECONDS)


@contextmanager
def short_patience():
    """Within it a hub that is silent for two seconds is given up, be it only slow."""
    with pytest.MonkeyPatch.context() as patch:
        for one in ("HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_ETAG_TIMEOUT"):
            patch.setattr(huggingface_hub.constants, one, 2)
        yield


def test_a_download_that_keeps_breaking_is_interrupted_and_resumes_in_the_next_run(hub):
    hub.faults[WEIGHTS] = Fault("cut", after=1_000_000)
    with pytest.raises(DownloadError, match="interrupted; run it again") as told:
        load_model(NAMED)
    assert "中断" in told.value.message("zh")
    before = hub.starts(WEIGHTS)
    assert before == [0, 1_000_000, 2_000_000]
    del hub.faults[WEIGHTS]
    assert load_model(NAMED).info.embedding_size == 32
    assert hub.starts(WEIGHTS) == [*before, 3_000_000]
    # All of it is in the cache now: the hub is not asked again.
    asked = len(hub.asked)
    load_model(NAMED)
    assert len(hub.asked) == asked


def test_one_break_is_mended_within_the_run(hub):
    hub.faults[WEIGHTS] = Fault("cut", after=1_234_567, times=1)
    assert load_model(NAMED).info.embedding_size == 32
    assert hub.starts(WEIGHTS) == [0, 1_234_567]


@pytest.mark.parametrize("file", [CONFIG, WEIGHTS, "tokenizer_config.json", "tokenizer.json"])
@pytest.mark.parametrize("kind", ["cut", "stall"])
def test_whichever_file_breaks_off_it_is_told_in_bounded_time_and_resumed(hub, file, kind):
    hub.faults[file] = Fault(kind, after=50)
    started = time.monotonic()
    with (
        short_patience() if kind == "stall" else nullcontext(),
        pytest.raises(DownloadError, match="interrupted"),
    ):
        load_model(NAMED)
    # Three times the patience; what stalls does so for a minute.
    assert time.monotonic() - started < 3 * 2 + 40
    # The next run without a hub knows that something is missing, and does not call it broken.
    url = huggingface_hub.constants.ENDPOINT
    huggingface_hub.constants.ENDPOINT = "http://127.0.0.1:9"
    with pytest.raises(HubUnreachableError):
        load_model(NAMED)
    huggingface_hub.constants.ENDPOINT = url
    hub.faults.clear()
    hub.released.set()
    assert load_model(NAMED).info.embedding_size == 32
    assert hub.starts(file)[-1] == 150


def test_a_hub_without_ranges_or_lengths_is_given_up_in_bounded_time_too(hub):
    hub.with_ranges = hub.with_length = False
    hub.faults[WEIGHTS] = Fault("cut", after=2_000_000)
    with pytest.raises(DownloadError, match="interrupted"):
        load_model(NAMED)
    assert hub.starts(WEIGHTS) == [0, 0, 0]
    hub.faults.clear()
    assert load_model(NAMED).info.embedding_size == 32


def test_a_line_that_breaks_often_but_gets_on_is_followed_to_the_end(hub, monkeypatch):
    monkeypatch.setattr(downloads, "_WORTH_ANOTHER", 500_000)
    hub.faults[WEIGHTS] = Fault("cut", after=500_000)
    assert load_model(NAMED).info.embedding_size == 32
    assert len(hub.starts(WEIGHTS)) > 8


def test_automatic_choice_answers_with_the_starter_when_the_download_breaks(hub, caplog):
    hub.faults[WEIGHTS] = Fault("cut", after=1_000_000)
    with caplog.at_level(logging.WARNING):
        assert load_model(AUTOMATIC).info.is_starter
    assert "interrupted" in caplog.text
    assert "Falling back to the starter" in caplog.text
    hub.faults.clear()
    assert load_model(AUTOMATIC).info.name == MODEL
    assert hub.starts(WEIGHTS)[-1] == 3_000_000


def test_page_answers_with_the_starter_while_and_after_a_stalled_download(hub, caplog):
    hub.faults[WEIGHTS] = Fault("stall", after=1_000_000)
    with caplog.at_level(logging.WARNING), short_patience():
        slot = open_slot(AUTOMATIC)
        assert slot.service.info.is_starter
        assert slot.awaited == find_model(MODEL)
        wait_for(lambda: slot.trouble)
    assert slot.awaited is None
    assert slot.service.info.is_starter
    assert "interrupted" in caplog.text
    assert "cannot be loaded" not in caplog.text
    hub.faults.clear()
    slot = open_slot(AUTOMATIC)
    wait_for(lambda: not slot.awaited)
    assert slot.service.info.name == MODEL


def test_a_start_asks_once_whether_there_is_a_hub(hub):
    slot = open_slot(AUTOMATIC)
    wait_for(lambda: not slot.awaited)
    assert slot.service.info.name == MODEL
    assert hub.greeted == 1


def test_a_start_asks_once_where_nothing_answers(hub, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(
            huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}"
        )
        monkeypatch.setattr(downloads, "HUB_TIMEOUT_SECONDS", 1.0)
        slot = open_slot(AUTOMATIC)
        assert slot.service.info.is_starter
        assert slot.awaited is None
        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_page_says_that_a_download_broke_off_and_goes_on_with_it_by_itself(hub, monkeypatch):
    monkeypatch.setattr(model_slot, "_RETRY_SECONDS", 3.0)
    hub.faults[WEIGHTS] = Fault("cut", after=1_000_000, times=3)
    slot = open_slot(AUTOMATIC)
    wait_for(lambda: slot.trouble)
    line = told(slot)["line"]
    assert slot.service.info.is_starter
    assert f"The download of {MODEL} broke off. It goes on by itself" in line["en"]
    assert f"{MODEL} 的下载中断了" in line["zh"]
    assert told(slot)["again"]  # an open page goes on asking
    wait_for(lambda: not slot.service.info.is_starter and slot.awaited is None)
    assert hub.starts(WEIGHTS) == [0, 1_000_000, 2_000_000, 3_000_000]
    assert told(slot)["line"] == {"en": "", "zh": ""}
    wait_for(lambda: not told(slot)["again"])


def test_a_model_that_is_chosen_meanwhile_is_not_replaced_by_the_download(hub, monkeypatch):
    hub.faults[WEIGHTS] = Fault("cut", after=1_000_000, times=3)
    slot = ModelSlot(load_model("starter"), AUTOMATIC)
    thread = slot.change_once_downloaded(find_model(MODEL))
    wait_for(lambda: slot.trouble)
    chosen = slot.change("starter")
    thread.join(PATIENCE_SECONDS)  # without the pause, which would be longer
    assert not thread.is_alive()
    assert slot.service is chosen
    assert slot.trouble is None
    assert len(hub.starts(WEIGHTS)) == 3


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_terminal_shows_size_rate_and_time_left_in_one_line(hub, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", "100")
    hub.faults[WEIGHTS] = Fault("slow", after=400_000)
    load_model(NAMED)
    told = sys.stderr.getvalue()
    size = round((hub.root / "tiny" / "clip" / WEIGHTS).stat().st_size / 1e6)
    line = rf"{MODEL}, (\d) of {size} MB, [0-4]\.\d MB/s, \d+ s left"
    shown = [int(megabytes) for megabytes in re.findall(line, told)]
    assert len(shown) > 3
    assert shown == sorted(shown)
    lines = told[: told.rindex("s left")]
    assert "\n" not in lines
    assert lines.count("\r") >= 2 * len(shown) - 2  # each is taken away before the next
    assert re.match(r"s left\r +\r", told[len(lines) :])


def test_a_log_gets_a_few_lines_of_a_download(hub, monkeypatch, caplog):
    monkeypatch.setattr(download_progress, "_LINE_SECONDS", 0.0)
    hub.faults[WEIGHTS] = Fault("slow", after=200_000)
    with caplog.at_level(logging.INFO):
        load_model(NAMED)
    lines = [line for line in caplog.messages if re.match(rf"{MODEL}, \d of \d MB", line)]
    assert 3 < len(lines) <= 11


@pytest.mark.parametrize(
    ("done", "rate", "english", "chinese"),
    [
        (412, 9.1, "m, 412 of 1,464 MB, 9.1 MB/s, 2 min left", "9.1 MB/s，还需 2 分钟"),
        (1400, 9.1, "m, 1,400 of 1,464 MB, 9.1 MB/s, 7 s left", "还需 7 秒"),
        (64, 0.2, "m, 64 of 1,464 MB, 0.2 MB/s, 1 h 57 min left", "还需 1 小时 57 分钟"),
        (64, 0, "m, 64 of 1,464 MB", "m，64 / 1,464 MB"),
    ],
)
def test_progress_is_told_in_both_languages(done, rate, english, chinese):
    progress = DownloadProgress("m", int(done * 1e6), 1_464_000_000, rate * 1e6)
    assert progress.sentence("en") == english
    assert progress.sentence("zh").endswith(chinese)


@pytest.mark.parametrize(
    ("fault", "kind", "sentence"),
    [
        (Fault("status", status=503), DownloadError, "HTTP 503"),
        (Fault("status", status=429), DownloadError, "HTTP 429"),
        (Fault("status", status=500), DownloadError, "HTTP 500"),
        (Fault("status", status=401, code="GatedRepo"), DownloadError, "HF_TOKEN"),
        (Fault("status", status=403, code="GatedRepo"), DownloadError, "HF_TOKEN"),
        (Fault("status", status=403), DownloadError, "HF_TOKEN"),
        (Fault("status", status=401), ModelError, "or it is private"),
        (Fault("status", status=404, code="RepoNotFound"), ModelError, "or it is private"),
        (Fault("status", status=404, code="EntryNotFound"), ModelError, "lacks the files"),
        (Fault("page"), DownloadError, "log-in page"),
        (Fault("other"), DownloadError, "not what the hub has"),
    ],
    ids=lambda value: value.kind + str(value.status) if isinstance(value, Fault) else None,
)
def test_each_refusal_has_its_sentence_and_the_starter_stands_in(
    hub, fault, kind, sentence, caplog
):
    hub.faults[""] = fault
    with pytest.raises(kind, match=sentence):
        load_model(NAMED)
    with caplog.at_level(logging.WARNING):
        assert load_model(AUTOMATIC).info.is_starter
    assert sentence in caplog.text
    hub.faults.clear()
    assert load_model(NAMED).info.embedding_size == 32


def test_log_in_page_in_the_middle_of_a_download_does_not_harm_what_has_arrived(hub):
    hub.faults[WEIGHTS] = Fault("cut", after=1_000_000)
    with pytest.raises(DownloadError, match="interrupted"):
        load_model(NAMED)
    hub.faults[WEIGHTS] = Fault("page")
    with pytest.raises(DownloadError, match="log-in page"):
        load_model(NAMED)
    hub.faults.clear()
    load_model(NAMED)
    assert hub.starts(WEIGHTS)[-1] == 3_000_000


def test_repository_that_is_not_there_is_named(hub):
    with pytest.raises(ModelError, match='no "hf-hub:tiny/none", or it is private'):
        load_model(Settings(model="hf-hub:tiny/none", device="cpu"))


def test_full_disk_is_told_as_such(hub, monkeypatch, caplog):
    monkeypatch.setattr(
        downloads.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 5000})
    )
    with pytest.raises(StorageError, match="No space left"):
        load_model(NAMED)
    with caplog.at_level(logging.WARNING):
        assert load_model(AUTOMATIC).info.is_starter
    assert "No space left" in caplog.text


def test_a_whole_model_that_is_broken_is_still_called_so(hub, tmp_path, repositories):
    whole = (repositories / "tiny" / "clip" / WEIGHTS).read_bytes()
    try:
        (repositories / "tiny" / "clip" / WEIGHTS).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ModelError, match="cannot be loaded"):
            load_model(NAMED)
    finally:
        (repositories / "tiny" / "clip" / WEIGHTS).write_bytes(whole)


def test_terminal_ends_in_one_sentence_and_the_next_run_goes_on(repositories, tmp_path):
    with served(repositories) as hub:
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("HF_")},
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(tmp_path),
        }
        impatient = {"HF_HUB_DOWNLOAD_TIMEOUT": "1", "HF_HUB_ETAG_TIMEOUT": "1"}
        command = [sys.executable, "-m", "clip_app", "classify", str(EXAMPLES / "cat.jpg")]
        command += ["--labels", "cat, dog", "--model", MODEL, "--device", "cpu"]

        def run(**more: str) -> subprocess.CompletedProcess[str]:
            env = environment | more
            return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)

        hub.faults[WEIGHTS] = Fault("stall", after=1_000_000)
        stalled = run(**impatient)
        assert stalled.returncode == 2
        assert stalled.stderr.splitlines()[-1] == (
            f'The download of "{MODEL}" was interrupted; run it again, and it goes on where it '
            "stopped."
        )
        assert "Traceback" not in stalled.stderr
        hub.faults.clear()
        hub.released.set()
        assert run().returncode == 0
        assert hub.starts(WEIGHTS)[-1] == 3_000_000
