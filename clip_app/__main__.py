"""`python -m clip_app`."""

from clip_app.cli import main

raise SystemExit(main())
