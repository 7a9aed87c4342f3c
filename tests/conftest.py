"""For every test."""

import signal

from hypothesis import settings

# How long an example takes says more about the machine than about the code.
settings.register_profile("tsnb", deadline=None)
settings.load_profile("tsnb")

# A shell that runs the tests in the background leaves signals ignored; what is started here would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
