"""Neither a function ``handle`` nor a class."""

from ts.torch_handler.base_handler import BaseHandler

NOTHING = BaseHandler
