"""Files that are written for a download."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from clip_app.ui.downloads import write_export


def test_exports_at_once_remove_old_ones_without_failing():
    for _ in range(20):
        old = [Path(write_export(f"{number}.csv", "old")) for number in range(30)]
        for file in old:
            os.utime(file.parent, (time.time() - 7200,) * 2)
        with ThreadPoolExecutor(8) as pool:
            new = list(pool.map(lambda number: write_export(f"{number}.txt", "new"), range(16)))
        assert not any(file.exists() for file in old)
        assert all(Path(file).read_text() == "new" for file in new)
