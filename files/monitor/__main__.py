"""python -m monitor --state … --users …"""

from __future__ import annotations

if __name__ == "__main__":
    from gevent import monkey

    monkey.patch_time()  # a page that waits lets the others go on

    from monitor.start import main

    main()
