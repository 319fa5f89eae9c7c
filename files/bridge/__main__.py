"""`python -m bridge`: serves one stdio server over HTTP, by what the command line says."""

from __future__ import annotations

import sys

from . import stand_ins

if __name__ == "__main__":
    stand_ins.install()

    from .options import parse

    options = parse(sys.argv[1:])
    stand_ins.drop("argparse")

    from .serving import main

    sys.exit(main(options))
