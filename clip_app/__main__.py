"""`python -m clip_app`, and the command `clip-app`."""

from typing import NoReturn


def run() -> NoReturn:
    """Run one command and end the process: taking the interpreter apart would take 0.08 s more."""
    try:
        from clip_app.process import end_process, heed_sigterm

        heed_sigterm()
        from clip_app.terminal import main
    except KeyboardInterrupt:  # the libraries take a moment to load
        raise SystemExit(130) from None
    end_process(main())


if __name__ == "__main__":
    run()
