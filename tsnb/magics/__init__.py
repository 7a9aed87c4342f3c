"""The words for a notebook: ``%load_ext tsnb`` and then ``%%handler``, ``%archive``, ``%serve``, ``%predict`` …

Each magic is a thin coat in a file of its own: it parses the line, asks the
client or capture, and returns an object with a rich and a text form. To add
one, write a file with a class that derives from :class:`~tsnb.magics.base.Command`
and name it in :data:`COMMANDS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsnb.compat import offer
from tsnb.magics.archive import ArchiveMagic
from tsnb.magics.check import CheckMagic
from tsnb.magics.completion import Completion
from tsnb.magics.default import DefaultMagic
from tsnb.magics.empty import EmptyCells
from tsnb.magics.explode import ExplodeMagic
from tsnb.magics.handler import HandlerMagic
from tsnb.magics.inspect import InspectMagic
from tsnb.magics.loadtest import LoadtestMagic
from tsnb.magics.logs import LogsMagic
from tsnb.magics.mardiff import MardiffMagic
from tsnb.magics.models import ModelsMagic
from tsnb.magics.predict import PredictMagic
from tsnb.magics.record import RecordMagic
from tsnb.magics.replay import ReplayMagic
from tsnb.magics.requests import RequestsMagic
from tsnb.magics.rollback import RollbackMagic
from tsnb.magics.scale import ScaleMagic
from tsnb.magics.serve import ServeMagic
from tsnb.magics.session import Session
from tsnb.magics.try_it import TryMagic
from tsnb.magics.unserve import UnserveMagic

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

COMMANDS = (
    HandlerMagic,
    ArchiveMagic,
    ServeMagic,
    PredictMagic,
    TryMagic,
    LoadtestMagic,
    ModelsMagic,
    ScaleMagic,
    UnserveMagic,
    RollbackMagic,
    DefaultMagic,
    LogsMagic,
    RequestsMagic,
    ReplayMagic,
    RecordMagic,
    CheckMagic,
    InspectMagic,
    MardiffMagic,
    ExplodeMagic,
)

_ATTRIBUTE = "_tsnb"


def load(shell: InteractiveShell) -> None:
    """Register the magics and their completion, and start to record cells. Loading twice changes nothing."""
    if getattr(shell, _ATTRIBUTE, None) is not None:
        return
    offer()
    session = Session(shell)
    session.cells.start()
    commands = [command(shell, session) for command in COMMANDS]
    shell.register_magics(session, *commands)
    completion = Completion(session, commands)
    completion.install(shell)
    empty = EmptyCells(commands)
    empty.install(shell)
    setattr(shell, _ATTRIBUTE, (session, commands, completion, empty))


def unload(shell: InteractiveShell) -> None:
    """Take everything away again; a server that was started for this kernel ends."""
    loaded = getattr(shell, _ATTRIBUTE, None)
    if loaded is None:
        return
    session, commands, completion, empty = loaded
    delattr(shell, _ATTRIBUTE)
    completion.remove(shell)
    empty.remove(shell)
    for command in commands:
        for kind, names in command.magics.items():
            for name in names:
                shell.magics_manager.magics[kind].pop(name, None)
    for each in (session, *commands):
        if each in shell.configurables:
            shell.configurables.remove(each)
    session.cells.stop()
    session.close()
