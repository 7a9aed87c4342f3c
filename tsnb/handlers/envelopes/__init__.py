"""Request envelopes: what clients wrap around inputs and outputs, taken off and put on (spec 6.8).

The setting ``service_envelope`` names a module of this folder; its one class
is put around every handler.
"""
