"""The servers that are compared. One more is a folder here and one entry in :data:`PEERS`."""

from __future__ import annotations

from benchmarks.peers.base import Peer
from benchmarks.peers.bentoml.peer import BentoML
from benchmarks.peers.litserve.peer import LitServe
from benchmarks.peers.mosec.peer import Mosec
from benchmarks.peers.ray.peer import RayServe
from benchmarks.peers.torchserve.peer import TorchServe
from benchmarks.peers.tsnb.peer import Tsnb

PEERS: dict[str, Peer] = {
    peer.name: peer for peer in (Tsnb(), Mosec(), TorchServe(), LitServe(), BentoML(), RayServe())
}
