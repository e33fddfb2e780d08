"""`python -m convcost`: the command line."""

import sys
from importlib.util import find_spec

NEEDED = {"click": "click", "numpy": "numpy", "yaml": "pyyaml", "rich": "rich"}
"""What the base install brings, by the name of its import: a checkout alone has it not."""

if missing := [package for module, package in NEEDED.items() if find_spec(module) is None]:
    sys.stderr.write(f"error: needed and not installed: pip install {' '.join(missing)}\n")
    sys.exit(2)

from convcost.cli import main  # noqa: E402  # only where it can be imported

main()
