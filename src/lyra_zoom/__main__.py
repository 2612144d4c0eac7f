"""`python -m lyra_zoom` is the command `lyra-zoom`."""

from __future__ import annotations

import sys

from lyra_zoom.cli.main import main

sys.exit(main())
