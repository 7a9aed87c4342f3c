"""What is kept of requests: bounded in count, bytes and age, without credentials, nothing sent to a private model."""

import msgspec
import pytest

from tests.engine.test_local import run
from tsnb.config import Config
from tsnb.engine.recorder import NAMES_KEPT, Recorder, size_of
from tsnb.errors import HandlerFailed
from tsnb.messages import Failure, Parameter, Recorded, Reply, Request

PICKY = """
    def handle(data, context):
        return [str(1 / float(row["body"])) for row in data or []]
"""


def recorded(id, *, at=0.0, sent=b"x", answered=b"y", failed=False, model="m", version="1.0", **request):
    reply = None if failed else Reply(answered)
    failure = Failure("ValueError", "no") if failed else None
    status = 503 if failed else 200
    asked = Request(id, parameters=(Parameter("body", sent),), **request)
    return Recorded(asked, model, version, 1, at, 0.01, status, len(sent), reply=reply, failure=failure)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def recorder(clock):
    def make(**settings):
        return Recorder(Config(**settings), clock)

    return make


def ids(recorder, name="m", version=None):
    return [each.request.id for each in recorder.of(name, version, -1.0)]


def test_the_oldest_go_when_there_are_too_many(recorder):
    kept = recorder(record_requests=3)
    for number in range(5):
        kept.keep(recorded(str(number), at=number))
    assert ids(kept) == ["2", "3", "4"]
    assert kept.get("0") is None


def test_good_requests_never_drive_out_failures(recorder):
    kept = recorder(record_requests=3)
    kept.keep(recorded("bad", failed=True))
    for number in range(5):
        kept.keep(recorded(str(number), at=1 + number))
    assert ids(kept) == ["bad", "2", "3", "4"]


def test_bytes_of_requests_and_answers_are_bounded(recorder):
    kept = recorder(record_bytes=100)
    for number in range(4):
        kept.keep(recorded(str(number), at=number, sent=b"x" * 30, answered=b"y" * 10))
    assert ids(kept) == ["2", "3"]


def test_a_request_over_the_bound_is_kept_without_contents_and_drives_nobody_out(recorder):
    kept = recorder(record_bytes=100)
    kept.keep(recorded("small", at=0))
    kept.keep(recorded("large", at=1, sent=b"x" * 101))
    assert ids(kept) == ["small", "large"]
    assert size_of(kept.get("large")) == 0
    assert kept.get("large").size == 101


def test_the_same_id_again_replaces_the_record_and_frees_its_bytes(recorder):
    kept = recorder(record_bytes=100)
    for turn in range(10):
        kept.keep(recorded("same", at=turn, sent=b"x" * 60))
    kept.keep(recorded("other", at=10, sent=b"x" * 30))
    assert ids(kept) == ["same", "other"]


def test_records_grow_too_old_even_when_nothing_comes(recorder, clock):
    kept = recorder(record_age=60)
    kept.keep(recorded("old", at=0.0, failed=True))
    clock.now = 30.0
    kept.keep(recorded("new", at=30.0))
    clock.now = 61.0
    assert ids(kept) == ["new"]
    assert kept.get("old") is None
    clock.now = 91.0
    assert kept.samples("m", "1.0", 5) == []


def test_of_a_private_model_only_the_failure_is_kept(recorder):
    kept = recorder()
    kept.keep(recorded("bad", failed=True), private=True)
    kept.keep(recorded("good", at=1, headers={"name": "Ada"}), private=True)
    assert kept.get("bad").failure.type == "ValueError"
    assert kept.get("good").request == Request("good")
    assert kept.get("good").reply is None
    assert kept.samples("m", "1.0", 5) == []


CREDENTIALS = [
    *("Authorization", "authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "apikey", "X-XSRFToken"),
    *("X-CSRF-Token", "X-Auth-Token", "X-Amz-Security-Token", "X-Forwarded-Access-Token", "X-Client-Secret"),
    *("X-Goog-Iap-Jwt-Assertion", "X-Hub-Signature-256"),
]


@pytest.mark.parametrize("name", CREDENTIALS)
def test_headers_that_let_somebody_in_are_taken_off(recorder, name):
    kept = recorder()
    kept.keep(recorded("1", headers={name: "secret", "Content-Type": "text/plain", "X-Max-Tokens": "9"}))
    assert kept.get("1").request.headers == {"Content-Type": "text/plain", "X-Max-Tokens": "9"}


def test_cookies_that_a_handler_set_are_taken_off(recorder):
    kept = recorder()
    answered = Reply(b"", headers={"Set-Cookie": "session=1", "X-Own": "2"})
    kept.keep(msgspec.structs.replace(recorded("1"), reply=answered))
    assert kept.get("1").reply.headers == {"X-Own": "2"}


def test_with_recording_off_failures_can_still_be_told(recorder):
    kept = recorder(record_requests=0)
    for number in range(NAMES_KEPT + 1):
        kept.keep(recorded(str(number), at=number, failed=True))
    assert len(ids(kept)) == NAMES_KEPT
    assert kept.get("9").failure.type == "ValueError"
    assert kept.get("9").request == Request("9")


def test_a_good_request_is_wanted_once_in_an_interval(recorder):
    kept = recorder(record_interval=5.0)
    assert kept.wants(("m", "1.0"), 0.0)
    kept.keep(recorded("1", at=0.0))
    assert not kept.wants(("m", "1.0"), 4.9)
    assert kept.wants(("m", "2.0"), 4.9)
    assert kept.wants(("m", "1.0"), 5.0)


def test_failures_do_not_keep_good_requests_waiting(recorder):
    kept = recorder(record_interval=5.0)
    kept.keep(recorded("1", at=0.0, failed=True))
    assert kept.wants(("m", "1.0"), 0.1)


def test_the_next_requests_are_wanted_when_asked_for(recorder):
    kept = recorder(record_interval=1000.0)
    kept.expect(("m", "1.0"), 2)
    for number in range(2):
        assert kept.wants(("m", "1.0"), number)
        kept.keep(recorded(str(number), at=number))
    assert not kept.wants(("m", "1.0"), 2)


def test_a_replay_is_not_kept_and_not_counted(recorder):
    kept = recorder()
    kept.expect(("m", "1.0"), 1)
    kept.keep(recorded("again", failed=True, replay_of="1"))
    assert ids(kept) == []
    assert kept.wants(("m", "1.0"), 0.0)


def test_versions_are_told_apart(recorder):
    kept = recorder()
    kept.keep(recorded("1"))
    kept.keep(recorded("2", at=1, version="2.0"))
    assert ids(kept, version="2.0") == ["2"]
    assert ids(kept) == ["1", "2"]
    assert ids(kept, "other") == []


def test_a_real_engine_keeps_failures_with_what_was_sent(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("m", PICKY, yaml="batchSize: 4\nmaxBatchDelay: 0")
            assert (await b.ask("m", b"2", content_type="text/plain")).body == b"0.5"
            for _ in range(2):
                with pytest.raises(HandlerFailed):
                    await b.ask("m", b"0", content_type="text/plain")
            good, *bad = b.engine.requests("m")
            assert good.reply.body == b"0.5"
            assert [each.failure.type for each in bad] == ["ZeroDivisionError"] * 2
            assert b.engine.request(bad[0].request.id).request.parameters[0].value == b"0"

    run(scenario())


def test_a_real_engine_keeps_nothing_that_was_sent_to_a_private_model(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("m", PICKY, yaml="private: true")
            with pytest.raises(HandlerFailed):
                await b.ask("m", b"0")
            (kept,) = b.engine.requests("m")
            assert kept.failure.type == "ZeroDivisionError"
            assert kept.request.parameters == ()

    run(scenario())
