"""Prints metrics as the lines in which TorchServe's own workers print them, and some that are none."""

import logging
import socket
import sys

from ts.metrics.dimension import Dimension
from ts.metrics.metric import Metric
from ts.service import emit_metrics

HOST = f"#hostname:{socket.gethostname()},1600000000"
COUNTED = f"#type:COUNTER|{HOST}"
LINES = (
    f"Listed.count:2|#ModelName:printing,Level:Model,Colour:blue|{COUNTED},an-id",
    f"Listed.count:1|#ModelName:printing,Level:Model,Colour:blue|{HOST}",
    f"Spread.s:0.3|#ModelName:printing,Level:Model|#type:HISTOGRAM|{HOST},a,b",
    f"Printed.Count:3|#ModelName:printing,Level:Model|{COUNTED},an-id",
    f"PrintedGauge.Milliseconds:4.5|#Level:Model|#type:GAUGE|{HOST}",
    f" Blank.Count:6|#Level:Model|{COUNTED}",
    f"Untyped.Count:5|#Level:Model|{HOST}",
    f"Odd.Count:6|#Level:Model|#type:ODD|{HOST}",
    f"Small.Count:6|#Level:Model|#type:counter|{HOST}",
    f"Word.Count:six|#Level:Model|{COUNTED}",
    f"NoUnit.:1|#Level:Model|{COUNTED}",
    "nonsense",
)


def handle(data, context):
    if data is None:
        return None
    for line in LINES:
        print(f"[METRICS]{line}")
    print(f"line  [METRICS]Inside.Count:6|#Level:Model|{COUNTED}")
    print(f"[METRICS]OnStderr.Count:2|#Level:Model|{COUNTED}", file=sys.stderr, flush=True)
    logging.info("[METRICS]Logged.Count:2|#Level:Model|%s", COUNTED)
    emit_metrics([Metric("Emitted", 7, "ms", [Dimension("Level", "Model")])])
    return ["done"]
