"""A notebook cell becomes an importable module, and a live ``nn.Module`` becomes archive files.

:mod:`~tsnb.capture.analyse` reads what code defines and what it lacks (pure),
:mod:`~tsnb.capture.cells` remembers the cells that were run,
:mod:`~tsnb.capture.collect` finds what is lacking in them,
:mod:`~tsnb.capture.module` writes the file, and
:mod:`~tsnb.capture.live` saves models. Torch is imported there only, inside functions.
"""
