"""Follows the pages of docs/products that are named, one after another."""

import importlib
import sys
from pathlib import Path

import trial

CACHE = Path(sys.argv[1])

for product in sys.argv[2:]:
    module = importlib.import_module(product.replace("-", "_"))
    trial.run(product, module, CACHE)
