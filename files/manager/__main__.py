"""python -m manager --stdio, or --socket FILE"""

from __future__ import annotations

from manager.start import main

if __name__ == "__main__":
    main()
