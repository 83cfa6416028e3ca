"""`python -m clip_app`."""

try:
    from clip_app.terminal import main
except KeyboardInterrupt:  # the libraries take seconds to load
    raise SystemExit(130) from None

raise SystemExit(main())
