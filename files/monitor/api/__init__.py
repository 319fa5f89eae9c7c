"""The REST API: everything that the page can do, for programs. ``operations`` is its one definition."""
