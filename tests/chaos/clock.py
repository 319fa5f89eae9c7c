"""A wall clock of their own for programs of a site: a wrong one, or one in which weeks pass."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).resolve().parent


class Clock:
    """``hours`` ahead of the machine's; ``file`` is where programs read that, in seconds."""

    def __init__(self, file: Path, hours: int = 0) -> None:
        self._file, self.hours = file, hours
        self.go_on(0)

    @property
    def environment(self) -> dict[str, str]:
        """What makes a Python program and those that it starts follow this clock."""
        return {"PYTHONPATH": str(HERE / "wall_clock"), "MCP_TEST_CLOCK": str(self._file)}

    def go_on(self, hours: int) -> None:
        """Lets so many hours pass."""
        self.hours += hours
        new = self._file.with_suffix(".new")
        new.write_text(str(self.hours * 3600))
        new.chmod(0o644)
        new.rename(self._file)
