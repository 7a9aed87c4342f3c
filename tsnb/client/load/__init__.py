"""Load tests: a generator in a process of its own, bounded in time, and what it measured."""

from tsnb.client.load.order import Order, Stage, Step, Tick
from tsnb.client.load.plan import order_for, stages
from tsnb.client.load.result import LoadResult
from tsnb.client.load.run import Run, run_order

__all__ = ["LoadResult", "Order", "Run", "Stage", "Step", "Tick", "order_for", "run_order", "stages"]
