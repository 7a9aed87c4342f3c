"""For every test."""

import signal

# A shell that runs the tests in the background leaves SIGINT ignored; what is started here would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
