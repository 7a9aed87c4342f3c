"""The parts of the engine that need no process: queue, batching, placement, back-off, store, registration, sources."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsnb.config import Config
from tsnb.engine.api import Registration
from tsnb.engine.backoff import Backoff
from tsnb.engine.batching import CostModel, ahead, decide
from tsnb.engine.job import Job
from tsnb.engine.placement import Device, assign, parse_nvidia_smi, visible
from tsnb.engine.processes import threads
from tsnb.engine.queue import JobQueue
from tsnb.engine.registration import make_spec
from tsnb.engine.sources import allowed, resolve
from tsnb.engine.store import Store
from tsnb.errors import (
    BadRequest,
    Conflict,
    InvalidModel,
    InvalidModelVersion,
    ModelNotFound,
    ModelVersionNotFound,
    NotFound,
    TsnbError,
)
from tsnb.messages import Request

# --- queue --------------------------------------------------------------------------------------


@pytest.fixture
def loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def job(loop, name, created=0.0):
    return Job(Request(name), lambda outcome: None, created)


def names(jobs):
    return [job.request.id for job in jobs]


def test_the_queue_keeps_order_and_refuses_when_full(loop):
    queue = JobQueue(2)
    first, second, third = (job(loop, name) for name in "abc")
    assert queue.put(first)
    assert queue.put(second)
    assert not queue.put(third)
    assert queue.remaining == 0
    assert names(queue.take(5)) == ["a", "b"]


def test_jobs_put_back_go_to_the_head_in_their_old_order(loop):
    queue = JobQueue(10)
    for name in "abcd":
        queue.put(job(loop, name))
    taken = queue.take(2)
    queue.put_back(taken)
    assert names(queue.drain()) == ["a", "b", "c", "d"]


# --- batching -----------------------------------------------------------------------------------


def take(waiting, *, policy="eager", now=0.0, oldest=0.0, idle=1, batch_size=16, max_delay=0.1, cost=None):
    return decide(
        policy,
        now=now,
        waiting=waiting,
        oldest=oldest,
        idle=idle,
        batch_size=batch_size,
        max_delay=max_delay,
        cost=cost or CostModel(),
    )


def test_a_lone_request_is_never_delayed():
    assert take(1).count == 1


def test_a_batch_takes_what_waits_up_to_its_size():
    assert take(5).count == 5
    assert take(50).count == 16


def test_idle_workers_share_what_waits():
    assert take(8, idle=4).count == 2


def test_nothing_is_taken_without_a_worker_or_without_work():
    assert take(3, idle=0).count == 0
    assert take(0).count == 0


def test_the_window_policy_waits_until_full_or_due():
    assert take(1, policy="window", now=0.05).count == 0
    assert take(1, policy="window", now=0.05).wake == pytest.approx(0.1)
    assert take(1, policy="window", now=0.1).count == 1
    assert take(16, policy="window", now=0.01).count == 16


def known(seconds_per_item, size=16):
    cost = CostModel()
    cost.learn(size, seconds_per_item * size)
    return cost


def test_a_full_batch_is_sent_ahead_where_batches_are_short():
    assert ahead("eager", 16, 16, 1, 16, known(0.001)) == 16
    assert ahead("eager", 15, 16, 1, 16, known(0.001)) == 0, "it may still grow"
    assert ahead("window", 16, 16, 1, 16, known(0.0001)) == 0
    assert ahead("eager", 16, 16, 1, 16, CostModel()) == 0, "nobody knows how long it takes"


def test_a_short_one_that_is_no_smaller_than_the_one_before_it_is_sent_ahead():
    assert ahead("eager", 9, 9, 1, 16, known(0.0001)) == 9
    assert ahead("eager", 8, 9, 1, 16, known(0.0001)) == 0
    assert ahead("eager", 9, 9, 2, 16, known(0.0001)) == 0, "the other worker may be free sooner"
    assert ahead("eager", 9, 9, 2, 16, known(0.00001)) == 9
    assert ahead("eager", 9, 9, 1, 16, known(0.001)) == 0, "it may grow meanwhile"


def test_a_long_batch_is_not_sent_ahead_least_of_all_where_another_worker_may_be_free_sooner():
    assert ahead("eager", 16, 16, 1, 16, known(0.01)) == 0
    assert ahead("eager", 16, 16, 1, 16, known(0.001)) == 16
    assert ahead("eager", 16, 16, 2, 16, known(0.001)) == 0
    assert ahead("eager", 16, 16, 2, 16, known(0.0001)) == 16


def drive(cost, seconds, limit, batches=200):
    """Let the model choose and learn; the sizes it chose."""
    chosen = []
    for _ in range(batches):
        size = cost.best(limit)
        cost.learn(size, seconds(size))
        chosen.append(size)
    return chosen


def test_where_batches_help_the_largest_is_taken():
    chosen = drive(CostModel(), lambda n: 0.010 + 0.001 * n, 16)
    assert set(chosen) == {16}


def test_where_batches_hurt_single_requests_are_taken():
    cost = CostModel()
    cost.learn(1, 0.022)
    chosen = drive(cost, lambda n: 0.022 if n == 1 else 0.039 * n, 16)
    assert chosen.count(1) > 0.9 * len(chosen)


@given(
    fixed=st.floats(0, 0.05),
    slope=st.floats(0.0005, 0.05),
    bend=st.floats(0, 0.005),
    limit=st.integers(1, 64),
)
def test_raising_the_batch_size_never_lowers_throughput_for_long(fixed, slope, bend, limit):
    def seconds(n):
        return fixed + slope * n + bend * n * n

    cost = CostModel()
    for size in range(1, limit + 1):  # every size has been met once, as under a rising load
        cost.learn(size, seconds(size))
    drive(cost, seconds, limit, batches=200)
    chosen = drive(cost, seconds, limit, batches=2000)
    throughput = sum(chosen) / sum(seconds(n) for n in chosen)
    assert throughput >= 0.9 * (1 / seconds(1))


# --- placement ----------------------------------------------------------------------------------


def test_workers_go_round_the_gpus():
    assert [assign(3, "", (), n) for n in range(5)] == [0, 1, 2, 0, 1]


def test_chosen_devices_are_used_in_their_order():
    assert [assign(4, "gpu", (3, 1), n) for n in range(3)] == [3, 1, 3]


def test_an_invalid_device_makes_the_whole_list_ignored():
    assert [assign(2, "gpu", (0, 7), n) for n in range(3)] == [0, 1, 0]


def test_cpu_models_and_machines_without_gpu_get_none():
    assert assign(2, "cpu", (), 0) is None
    assert assign(0, "gpu", (0,), 0) is None


def test_nvidia_smi_output_is_read_and_broken_lines_are_skipped():
    text = "0, NVIDIA H100, 81559, 1024, 7\n[Not Found]\n1, NVIDIA H100, 81559, 0, 0\n"
    assert parse_nvidia_smi(text) == [
        Device(0, "NVIDIA H100", 81559 * 2**20, 1024 * 2**20, 7),
        Device(1, "NVIDIA H100", 81559 * 2**20, 0, 0),
    ]


def test_only_visible_devices_count_and_are_renumbered():
    found = [Device(0, "a"), Device(1, "b"), Device(2, "c")]
    assert visible(found, {}) == found
    assert visible(found, {"CUDA_VISIBLE_DEVICES": "2,0"}) == [Device(0, "c"), Device(1, "a")]
    assert visible(found, {"CUDA_VISIBLE_DEVICES": ""}) == []
    assert visible(found, {"CUDA_VISIBLE_DEVICES": "1,-1,0"}) == [Device(0, "b")]


def test_workers_share_the_cores():
    assert [threads(16, workers) for workers in (0, 1, 2, 3, 16, 40)] == [16, 16, 8, 5, 1, 1]


# --- back-off -----------------------------------------------------------------------------------


def test_retries_wait_longer_and_longer_and_start_anew_after_success():
    backoff = Backoff(window=300)
    assert [backoff.next(0.0) for _ in range(6)] == [1, 1, 2, 3, 5, 8]
    backoff.reset()
    assert backoff.next(1000.0) == 1


def test_retries_end_after_the_window():
    backoff = Backoff(window=300)
    backoff.next(0.0)
    assert backoff.next(300.0) is not None
    assert backoff.next(300.1) is None
    assert backoff.down_for(400.0) == 400.0


# --- store --------------------------------------------------------------------------------------


def test_the_first_version_is_the_default_and_later_ones_are_not():
    store = Store()
    store.add("m", "1.0", "one")
    store.add("m", "2.0", "two")
    assert store.get("m") == "one"
    assert store.get("m", "2.0") == "two"
    store.set_default("m", "2.0")
    assert store.get("m") == "two"


def test_the_store_says_what_is_missing_or_doubled():
    store = Store()
    store.add("m", "1.0", "one")
    with pytest.raises(Conflict, match="is already registered for model m"):
        store.add("m", "1.0", "again")
    with pytest.raises(ModelNotFound, match="Model not found: x"):
        store.get("x")
    with pytest.raises(ModelVersionNotFound, match="Model version: 9 does not exist for model: m"):
        store.get("m", "9")
    with pytest.raises(ModelVersionNotFound, match="Model version 9 does not exist for model m"):
        store.set_default("m", "9")


def test_a_default_version_beside_others_stays():
    store = Store()
    store.add("m", "1.0", "one")
    store.add("m", "2.0", "two")
    with pytest.raises(InvalidModelVersion, match="Cannot remove default version for model m"):
        store.check_removable("m", None)
    assert store.check_removable("m", "2.0") == "2.0"
    store.remove("m", "2.0")
    assert store.check_removable("m", None) == "1.0"
    store.remove("m", "1.0")
    assert store.names() == []


# --- registration -------------------------------------------------------------------------------

MANIFEST = {"runtime": "python", "model": {"modelName": "m", "handler": "h.py", "modelVersion": "2.0"}}


def spec(said=None, yaml=None, manifest=MANIFEST, **config):
    return make_spec(said or Registration("m.mar"), Config(**config), "/models/m", manifest, yaml or {})


def test_batching_is_the_callers_before_the_yamls_before_the_default():
    assert spec().batch_size == 1
    assert spec(yaml={"batchSize": 4}).batch_size == 4
    assert spec(Registration("m.mar", batch_size=8, max_batch_delay=5), {"batchSize": 4}).batch_size == 8
    assert spec(yaml={"maxBatchDelay": 20}).max_batch_delay == 20


def test_workers_and_timeouts_are_the_yamls_before_the_callers():
    assert spec(Registration("m.mar", initial_workers=3)).min_workers == 3
    assert spec(Registration("m.mar", initial_workers=0), {"minWorkers": 2, "maxWorkers": 2}).min_workers == 2
    assert spec(Registration("m.mar", initial_workers=1), {"minWorkers": 2}).min_workers == 1
    assert spec(Registration("m.mar", response_timeout=9), {"responseTimeout": 7}).response_timeout == 7
    assert spec(Registration("m.mar", response_timeout=9)).response_timeout == 9


def test_settings_of_a_wrong_type_are_ignored():
    assert spec(yaml={"batchSize": "many", "maxBatchDelay": -1, "jobQueueSize": True}).batch_size == 1
    assert spec(yaml={"jobQueueSize": True}).job_queue_size == 100


def test_a_manifest_without_handler_says_what_to_do():
    with pytest.raises(InvalidModel, match="--handler"):
        spec(manifest={"model": {"modelName": "m"}})
    assert spec(manifest={"model": {"modelName": "m"}}, default_service_handler="d").handler == "d"


def test_an_unknown_runtime_is_refused():
    with pytest.raises(BadRequest, match="Invalid RuntimeType value: java"):
        spec(Registration("m.mar", runtime="java"))


# --- sources ------------------------------------------------------------------------------------


def test_an_archive_is_found_by_its_base_name(tmp_path):
    (tmp_path / "m.mar").write_bytes(b"x")
    assert resolve("m.mar", Config(model_store=str(tmp_path))) == tmp_path / "m.mar"
    assert resolve("/elsewhere/m.mar", Config(model_store=str(tmp_path))) == tmp_path / "m.mar"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "empty url"),
        ("../m.mar", "Relative path is not allowed in url: ../m.mar"),
        ("file:///a/%2e%2e/m.mar", "Relative path is not allowed"),
        ("none.mar", "Model not found at: none.mar"),
    ],
)
def test_what_is_no_archive_is_not_found(tmp_path, url, message):
    with pytest.raises(NotFound, match=message):
        resolve(url, Config(model_store=str(tmp_path)))


def test_a_folder_is_a_model_by_its_manifest_or_its_handler(tmp_path):
    store = tmp_path / "store"
    for name in ("MAR-INF/MANIFEST.json", "archived/MAR-INF/MANIFEST.json", "bare/mine.py", "data/numbers.csv"):
        (store / name).parent.mkdir(parents=True, exist_ok=True)
        (store / name).touch()
    (store / "MAR-INF" / "MANIFEST.json").unlink()
    config = Config(model_store=str(store))
    assert resolve("archived", config) == store / "archived"
    for handler in ("mine", "mine.py:handle", "some/where/mine.py"):
        assert resolve("bare", config, handler=handler) == store / "bare"
    for url, handler in (
        ("bare", None),
        ("bare", "other.py"),
        ("data", "mine.py"),
        (str(store), "mine"),
        ("/", "mine"),
    ):
        with pytest.raises(InvalidModel, match=f"The folder {url} is no model: it has no MAR-INF/MANIFEST.json"):
            resolve(url, config, handler=handler)
    by_default = Config(model_store=str(store), default_service_handler="installed:handle")
    assert resolve("data", by_default) == store / "data"
    with pytest.raises(InvalidModel):
        resolve(str(tmp_path), by_default)


def test_without_a_store_nothing_is_found():
    with pytest.raises(NotFound, match="Model store has not been configured"):
        resolve("m.mar", Config())


def test_urls_must_match_a_pattern_as_a_whole(tmp_path):
    assert allowed("https://s3.amazonaws.com/x.mar", "https://s3.amazonaws.com/.*,https://torchserve.pytorch.org/.*")
    assert not allowed("https://evil.example/https://s3.amazonaws.com/x", "https://s3.amazonaws.com/.*")
    with pytest.raises(NotFound, match="does not match any allowed URL"):
        resolve("http://evil.example/m.mar", Config(model_store=str(tmp_path), allowed_urls="https://good/.*"))


def test_a_file_url_is_copied_into_the_store_and_never_over_another(tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    source = tmp_path / "m.mar"
    source.write_bytes(b"archive")
    config = Config(model_store=str(store))
    assert resolve(source.as_uri(), config).read_bytes() == b"archive"
    with pytest.raises(TsnbError, match=r"Model file already exists m\.mar"):
        resolve(source.as_uri(), config)
    assert [path.name for path in store.iterdir()] == ["m.mar"]
