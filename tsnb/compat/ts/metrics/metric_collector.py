"""``python -m ts.metrics.metric_collector --gpu N``: print what is measured of the machine.

And of the processes whose ids, with commas between them, are on the first line of standard input.
"""

from __future__ import annotations

import argparse
import logging
import sys

from . import system_metrics
from .process_memory_metric import check_process_mem_usage

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="ts.metrics.metric_collector", description=__doc__)
    parser.add_argument("--gpu", type=int, help="how many GPUs there are; 0 leaves them out")
    arguments = parser.parse_args()
    logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)
    system_metrics.collect_all(system_metrics, arguments.gpu)
    check_process_mem_usage(sys.stdin)
