"""Both ways to serve a hub, for who has the packages: see `servers`."""

from __future__ import annotations

from durablectl.cli.local.serve import Served, serve_hub
from durablectl.cli.local.ui import serve_page


class Servers:
    Served = Served
    serve_hub = staticmethod(serve_hub)
    serve_page = staticmethod(serve_page)
