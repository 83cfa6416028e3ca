"""The app as `app.py` serves it, which prints its routes as a line of JSON once it is launched."""

import json
import sys
from collections.abc import Iterator
from typing import Any

from clip_app.server.serve import launch, prepare


def _paths(routes: Any, prefix: str = "") -> Iterator[str]:
    for route in routes:
        router = getattr(route, "original_router", None)
        if router is not None:
            yield from _paths(router.routes, prefix)
            continue
        yield prefix + route.path
        yield from _paths(getattr(route, "routes", None) or (), prefix + route.path)


def main() -> int:
    """Serve until stopped, with the flags of `app.py`; returns the exit code."""
    demo, served = prepare(sys.argv[1:])
    gradio_launch = demo.launch

    def launch_and_tell(**options: Any) -> None:
        gradio_launch(**options)
        print(json.dumps(sorted(set(_paths(demo.app.routes)))), flush=True)

    demo.launch = launch_and_tell
    return launch(demo, served)


if __name__ == "__main__":
    sys.exit(main())
