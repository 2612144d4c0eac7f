"""The run-time checker of array shapes; an int may stand where a float is asked for."""

from __future__ import annotations

from beartype import BeartypeConf, beartype

check_types = beartype(conf=BeartypeConf(is_pep484_tower=True))
