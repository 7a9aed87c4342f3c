"""Large bodies in shared memory: every byte arrives, nothing stays behind, whoever dies."""

import asyncio
import hashlib
import os
import random
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.conftest import until
from tsnb import protocol
from tsnb.engine.arena import PAGE, WARM, Arena, made
from tsnb.errors import WorkerDied
from tsnb.worker.arena import opened

pytestmark = pytest.mark.skipif(made() is None, reason="this system has no anonymous files")

LENGTH = """
    import hashlib

    def handle(data, context):
        return [hashlib.sha256(row["body"]).hexdigest() for row in data or []]
"""


@pytest.fixture
def arena():
    arena = Arena(64 * PAGE)
    yield arena
    arena.close()


def test_a_worker_reads_what_was_placed_and_does_not_write_there(arena):
    seen = opened(arena.path)
    body = os.urandom(3 * PAGE + 5)
    first, second = arena.place(b"x" * PAGE), arena.place(body)
    assert bytes(seen[second : second + len(body)]) == body
    assert bytes(seen[first : first + PAGE]) == b"x" * PAGE
    with pytest.raises(TypeError):
        seen[first] = 1
    assert stat.filemode(os.stat(arena.path).st_mode) == "-r--------"


def test_where_there_is_no_file_there_is_no_memory():
    assert opened("") is None
    assert opened("/proc/self/fd/999999") is None


def test_what_does_not_fit_is_not_placed_until_there_is_room(arena):
    offset = arena.place(b"x" * (60 * PAGE))
    assert arena.place(b"y" * (5 * PAGE)) is None
    arena.release(offset)
    assert arena.place(b"y" * (5 * PAGE)) == 0


@given(seed=st.integers())
def test_blocks_never_overlap_and_all_room_comes_back(seed):
    choose = random.Random(seed)
    arena = Arena(64 * PAGE)
    blocks = {}
    for _ in range(100):
        if blocks and choose.random() < 0.5:
            offset = choose.choice(list(blocks))
            assert bytes(arena._map[offset : offset + len(blocks[offset])]) == blocks.pop(offset)
            arena.release(offset)
        else:
            body = choose.randbytes(choose.randint(1, 12 * PAGE))
            offset = arena.place(body)
            if offset is not None:
                blocks[offset] = body
    for offset in blocks:
        arena.release(offset)
    assert (arena.used, arena._free) == (0, [(0, 64 * PAGE)])
    arena.close()


def test_memory_beyond_what_is_kept_warm_goes_back_to_the_system():
    arena = Arena(4 * WARM)
    offset = arena.place(b"x" * (3 * WARM))
    taken = os.stat(arena.path).st_blocks * 512
    arena.release(offset)
    assert os.stat(arena.path).st_blocks * 512 <= taken - 2 * WARM
    arena.close()


def test_large_and_small_bodies_arrive_as_they_were_sent(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("sums", LENGTH, workers=2, batch_size=4)
            sizes = [1, protocol.PLACED - 1, protocol.PLACED, 1_000_000, 3_000_001] * 8
            bodies = [os.urandom(size) for size in sizes]
            replies = await asyncio.gather(*(b.ask("sums", body) for body in bodies))
            assert [r.body.decode() for r in replies] == [hashlib.sha256(body).hexdigest() for body in bodies]
            arena = b.engine._arena
            assert arena.used == 0
            assert os.stat(arena.path).st_blocks > 0, "it was used"

    asyncio.run(asyncio.wait_for(scenario(), 90))


def test_a_worker_that_dies_over_a_large_body_leaves_none_of_it(bench):
    handler = """
        import os, signal
        def handle(data, context):
            for row in data or []:
                if bytes(row["body"][:3]) == b"die":
                    os.kill(os.getpid(), signal.SIGKILL)
            return ["alive"] * len(data or [])
    """

    async def scenario():
        async with bench() as b:
            await b.serve("mortal", handler)
            await b.ask("mortal", b"quick")
            dying = asyncio.create_task(b.ask("mortal", b"die" + bytes(1_000_000)))
            await asyncio.sleep(0)
            waiting = asyncio.create_task(b.ask("mortal", bytes(1_000_000)))
            with pytest.raises(WorkerDied):
                await dying
            assert (await waiting).body == b"alive"
            await until(lambda: b.engine._arena.used == 0, "nothing is in use")

    asyncio.run(asyncio.wait_for(scenario(), 90))
