# cython: language_level=3, boundscheck=False, wraparound=False, auto_pickle=False, embedsignature=True
"""The way of most requests, compiled: ``tsnb/speedups/plain.py`` says what each name does, and does it in Python.

A request whose head was seen before, on a connection at rest, becomes one object with the bytes as they came. What
Python code would make of them (a request with its parameters, a reply, the functions that hand it over) is made when
somebody asks for it; most of it nobody asks for. Everything else goes the way that is written in Python.
"""

import logging
import os
import uuid
from time import monotonic, perf_counter

import msgspec
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject, PyTypeObject
from libc.stdlib cimport realloc
from libc.string cimport memcmp, memcpy

from tsnb.messages import Parameter, Reply, Request
from tsnb.protocol.frames import MAGIC, SMALL, VERSION
from tsnb.speedups.plain import UNTOLD

log = logging.getLogger("tsnb.engine.job")

cdef tuple NOTHING = ()
cdef enum:
    ID = 36        # characters of a request's id
    IDS = 256      # ids that are made at a time
    NUMBER = 9     # bytes of the longest number in a head
    FIXED = 64     # more than what a head has beside ids, sizes, headers and kinds
    PIECE = 65536  # bytes from which an answer's body is not copied behind its head


# --- ids ----------------------------------------------------------------------------------------------

cdef bytes id_pool = b""
cdef bytes id_middle = b""
cdef Py_ssize_t id_at = 0


cdef int new_id(char *into) except -1:
    """A random UUID, as ``tsnb.rest.service.new_id`` makes them."""
    global id_pool, id_middle, id_at
    if id_at >= PyBytes_GET_SIZE(id_pool):
        id_middle = str(uuid.uuid4())[8:32].encode()
        id_pool = os.urandom(6 * IDS).hex().encode()
        id_at = 0
    memcpy(into, PyBytes_AS_STRING(id_pool) + id_at, 8)
    memcpy(into + 8, PyBytes_AS_STRING(id_middle), 24)
    memcpy(into + 32, PyBytes_AS_STRING(id_pool) + id_at + 8, 4)
    id_at += 12
    return 0


# --- what is shared -----------------------------------------------------------------------------------

cdef class ServiceBase:
    """What all connections share. An answer is ``around[0]``, id, ``around[1]``, length, ``around[2]``, body."""

    cdef public bint open
    cdef public bint recording
    cdef public object count_response
    cdef bytes before, middle, after

    @property
    def around(self):
        return self.before, self.middle, self.after

    @around.setter
    def around(self, parts):
        self.before, self.middle, self.after = parts


cdef class IntakeBase:
    """The requests of one turn of the loop; its ``begin`` is called for the first."""

    cdef public list jobs
    cdef public object counted, withdraw, job_class


cdef class Express:
    """What the compiled way needs to know of a head: how it begins, and what its requests have in common."""

    cdef IntakeBase intake
    cdef object headers, head
    cdef str mime
    cdef bytes text, packed_headers, packed_kinds
    cdef Py_ssize_t length
    cdef bint apart

    cdef bint fits(self, bytes data):
        return (
            PyBytes_GET_SIZE(data) == self.length
            and memcmp(PyBytes_AS_STRING(data), PyBytes_AS_STRING(self.text), PyBytes_GET_SIZE(self.text)) == 0
        )

    cdef int keep(self, head) except -1:
        self.head, self.text, self.length = head, head.text, head.length
        return 0


def express(intake, headers, mime):
    """The compiled way of requests with these headers and this content type; None if there is none to this intake."""
    if not isinstance(intake, IntakeBase):
        return None
    cdef Express way = Express()
    way.intake, way.headers, way.mime = intake, headers, mime
    way.packed_headers = msgspec.msgpack.encode(headers)
    way.packed_kinds = msgspec.msgpack.encode((("body", mime),))
    way.apart = headers.get("explain") == "True" or headers.get("describe") == "True"
    return way


# --- one request --------------------------------------------------------------------------------------

cdef class JobBase:
    """What is known of one request on its way. On the compiled way it is the bytes that came, and where they came."""

    cdef public double created, met, taken
    cdef public Py_ssize_t batch
    cdef public bint settled
    cdef public object counted, withdraw, parts, error
    cdef object asked, told, answer_given
    # Of a request that came the compiled way only: who waits, its head, its bytes, and those of its answer.
    cdef ConnectionBase client
    cdef Express way
    cdef bytes data, bodies
    cdef Py_ssize_t start, size
    cdef object timings
    cdef char[ID] id

    def __init__(self, request, done, created, counted=None, withdraw=None, met=0.0, taken=0.0):
        self.asked, self.told, self.created = request, done, created
        self.counted, self.withdraw, self.met, self.taken = counted, withdraw, met, taken

    @property
    def request(self):
        """The request as the engine and the worker know it."""
        if self.asked is None and self.way is not None:
            body = self.data[PyBytes_GET_SIZE(self.way.text):]
            self.asked = Request(self.name(), self.way.headers, (Parameter("body", body, self.way.mime),))
        return self.asked

    @request.setter
    def request(self, request):
        self.asked = request
        self.way = None  # what is sent to the worker is no longer what came

    @property
    def done(self):
        """Who is told."""
        return self.hand_over if self.told is None else self.told

    @done.setter
    def done(self, done):
        self.told = done

    @property
    def reply(self):
        """What it was answered with."""
        if self.answer_given is None and self.bodies is not None:
            self.answer_given = Reply(self.bodies[self.start:self.start + self.size], timings=self.timings)
        return self.answer_given

    @reply.setter
    def reply(self, reply):
        self.answer_given = reply

    cdef str name(self):
        return self.id[:ID].decode("ascii")

    def hand_over(self, outcome):
        """Tell the connection, which goes on in Python."""
        cdef ConnectionBase client = self.client
        client.job = None
        client.request_id = self.name()
        client.lane = client.waiting.lane
        client.told(outcome)


# --- one connection -----------------------------------------------------------------------------------

cdef class ConnectionBase:
    """The bytes of one client come here first; ``received`` takes those that do not go the compiled way."""

    cdef public object at_rest, waiting, lane, request_id
    cdef public bint straight, moved
    cdef public double begun
    cdef object heads, put, given_up
    cdef ServiceBase service
    cdef JobBase job
    cdef Express way

    def prepare(self, ServiceBase service not None, heads):
        """What is shared with other connections."""
        self.service, self.heads = service, heads

    def connected(self, transport):
        """Where answers go."""
        self.put = transport.write

    @property
    def abandon(self):
        """What gives up the request that is being answered."""
        return self.given_up if self.job is None else self.job.give_up

    @abandon.setter
    def abandon(self, abandon):
        self.given_up = abandon

    def data_received(self, data):
        """Some bytes of a request, or several requests at once."""
        cdef Express way
        if self.at_rest is not None and type(data) is bytes:
            way = self.way
            if way is None or not way.fits(data):
                way = self.find(data)
            if way is not None and (self.service.open or self.passes(way)):
                self.ask(way, data)
                return
        self.received(data)

    cdef Express find(self, bytes data):
        """The compiled way of the request that these bytes are, if they are exactly one, and its head is known."""
        cdef Express way = None
        head = self.heads.find(data)
        if head is not None and head.lane is not None:
            way = head.lane.express
        if way is not None:
            if way.head is not head:
                way.keep(head)
            self.way = way
        return way

    cdef bint passes(self, Express way) except -1:
        """Whether the guard lets it pass."""
        return self.service.lane(way.head, b"", self.listener) is not None

    cdef int ask(self, Express way, bytes data) except -1:
        """Queue a request."""
        cdef IntakeBase intake = way.intake
        cdef PyTypeObject *kind = <PyTypeObject *>intake.job_class
        cdef JobBase job = kind.tp_new(<type>intake.job_class, <PyObject *>NOTHING, NULL)
        cdef ServiceBase service = self.service
        new_id(job.id)
        job.client, job.way, job.data, job.created = self, way, data, monotonic()
        job.counted, job.withdraw = intake.counted, intake.withdraw
        self.at_rest, self.straight, self.waiting, self.job = None, True, way.head, job
        if service.recording:
            self.begun = perf_counter()
        try:
            intake.jobs.append(job)
            if len(intake.jobs) == 1:
                intake.begin()
        except Exception as error:
            if not job.settled:
                job.settled = True
                job.hand_over(error)
        return 0

    cdef bint answer(self, JobBase job) except -1:
        """Send an answer; False where Python must do that."""
        cdef ServiceBase service = self.service
        if not self.straight or job.size >= PIECE:
            job.hand_over(job.reply)
            return False
        head, self.waiting, self.job = self.waiting, None, None
        self.at_rest, self.moved = head, True
        self.put(whole(job, service))
        if service.recording:
            service.finished(self.remote, head.method, head.target, 200, self.begun)
        return True


cdef bytes whole(JobBase job, ServiceBase service):
    """An answer with its body: what ``tsnb.rest.wire.plain`` makes of it."""
    cdef char[24] digits
    cdef Py_ssize_t left = job.size
    cdef Py_ssize_t at = 24
    while True:
        at -= 1
        digits[at] = <char>(48 + left % 10)
        left //= 10
        if left == 0:
            break
    cdef Py_ssize_t size = PyBytes_GET_SIZE(service.before) + ID + PyBytes_GET_SIZE(service.middle)
    size += 24 - at + PyBytes_GET_SIZE(service.after) + job.size
    cdef bytes made = PyBytes_FromStringAndSize(NULL, size)
    cdef char *to = PyBytes_AS_STRING(made)
    to = put_bytes(to, service.before)
    to = put(to, job.id, ID)
    to = put_bytes(to, service.middle)
    to = put(to, digits + at, 24 - at)
    to = put_bytes(to, service.after)
    put(to, PyBytes_AS_STRING(job.bodies) + job.start, job.size)
    return made


cdef inline char *put(char *to, const char *what, Py_ssize_t size) noexcept:
    memcpy(to, what, size)
    return to + size


cdef inline char *put_bytes(char *to, bytes what) noexcept:
    return put(to, PyBytes_AS_STRING(what), PyBytes_GET_SIZE(what))


# --- a batch of requests ------------------------------------------------------------------------------

def together(jobs):
    """Whether all came the compiled way, are still waited for, and can share a batch."""
    cdef JobBase job
    for each in jobs:
        job = each
        if job.way is None or job.settled or job.way.apart:
            return False
    return True


def mark(jobs, double idle_since, double now):
    """Note that these jobs are taken together, by a worker that is idle since then."""
    cdef JobBase job
    cdef Py_ssize_t count = len(jobs)
    for each in jobs:
        job = each
        job.met = job.created if job.created > idle_since else idle_since
        job.taken, job.batch = now, count


def spent(jobs, double now):
    """How long the jobs of a batch took, until ``now`` (see ``plain.py``)."""
    cdef double latency, total = 0.0, longest = 0.0, queued = 0.0, last = 0.0
    cdef Py_ssize_t failed = 0
    cdef JobBase job = jobs[0]
    counted = job.counted
    for each in jobs:
        job = each
        latency, last = now - job.created, job.taken - job.created
        total += latency
        queued += last
        if latency > longest:
            longest = latency
        if job.error is not None:
            failed += 1
        if job.counted is not counted:
            counted = None
    return total, longest, queued, last, failed, counted


def given(jobs, tuple sizes not None, bodies, timings):
    """Note the answers of jobs that all came the compiled way; False, and nothing is noted, where some did not."""
    cdef JobBase job
    cdef Py_ssize_t size, start = 0
    if len(sizes) != len(jobs) or type(bodies) is not bytes:
        return False
    for each, length in zip(jobs, sizes):
        job = each
        size = length
        if job.client is None or job.parts is not None or size < 0:
            return False
        start += size
    if start != PyBytes_GET_SIZE(bodies):
        return False
    start = 0
    for each, length in zip(jobs, sizes):
        job = each
        size = length
        if not job.settled:
            job.bodies, job.start, job.size, job.timings = bodies, start, size, timings
        start += size
    return True


def tell(jobs):
    """Give the jobs of a batch the replies that were noted for them."""
    cdef JobBase job
    cdef ServiceBase service = None
    cdef Py_ssize_t answered = 0
    for each in jobs:
        job = each
        if job.settled or (job.bodies is None and job.answer_given is None):
            continue
        job.settled = True
        try:
            if job.bodies is None or job.told is not None:
                job.done(job.reply)
            elif job.client.answer(job):
                if service is not job.client.service:
                    count(service, answered)
                    service, answered = job.client.service, 0
                answered += 1
        except Exception:  # it must not harm the other jobs of the batch
            log.exception(UNTOLD, job.request.id)
    count(service, answered)


cdef int count(ServiceBase service, Py_ssize_t answered) except -1:
    if answered:
        service.count_response(200, answered)
    return 0


# --- frames (tsnb/protocol/frames.py has the layout) --------------------------------------------------

cdef char *scratch = NULL
cdef Py_ssize_t scratch_size = 0


cdef char *room(Py_ssize_t size) except NULL:
    """So many bytes to put a head together in; one lot for all, as nothing interrupts that."""
    global scratch, scratch_size
    cdef char *grown
    if size > scratch_size:
        grown = <char *>realloc(scratch, size)
        if grown is NULL:
            raise MemoryError()
        scratch, scratch_size = grown, size
    return scratch


def frame(number, jobs):
    """The frame of a batch, where all of its jobs came the compiled way and their bodies are small; else None."""
    cdef JobBase job
    cdef Express way, last = None
    cdef Py_ssize_t bodies = 0, packed = 0
    cdef list ways = [], which = [], ours = list(jobs)
    for each in ours:
        job = each
        way = job.way
        if way is None:
            return None
        bodies += body_size(job)
        if way is not last and way not in ways:
            ways.append(way)
            packed += PyBytes_GET_SIZE(way.packed_headers) + PyBytes_GET_SIZE(way.packed_kinds)
        last = way
        which.append(len(ways) - 1 if way is ways[len(ways) - 1] else ways.index(way))
    if bodies > SMALL or not ours:
        return None
    cdef list kinds = list(dict.fromkeys([(<Express>each).packed_kinds for each in ways]))
    if len(kinds) > 1:  # some may be told twice: their places are then those of the headers
        kinds = [(<Express>each).packed_kinds for each in ways]
    # From here on nothing is made that could let other code run, which might put a frame together, too.
    cdef char *head = room(FIXED + len(ours) * (ID + 2 + 3 * NUMBER) + packed)
    cdef Py_ssize_t size = put_head(head, number, ours, ways, which, kinds) - head
    return put_frame(head, size, ours, bodies)


cdef inline Py_ssize_t body_size(JobBase job) noexcept:
    return PyBytes_GET_SIZE(job.data) - PyBytes_GET_SIZE(job.way.text)


cdef char *put_head(char *to, unsigned long long number, list jobs, list ways, list which, list kinds) except NULL:
    """The message ``tsnb.protocol.orders.Batch``, as msgpack."""
    cdef JobBase job
    cdef Express way
    to = put(to, b"\x99\xa5batch", 7)
    to = put_number(to, number)
    to = put_array(to, len(jobs))
    for job in jobs:
        to = put(put(to, b"\xd9\x24", 2), job.id, ID)
    to = put_array(to, len(jobs))
    for job in jobs:
        to = put_number(to, body_size(job))
    to = put_array(to, len(ways))
    for way in ways:
        to = put_bytes(to, way.packed_headers)
    to = put_array(to, len(kinds))
    for packed in kinds:
        to = put_bytes(to, packed)
    to = put_places(to, which, len(ways) > 1)
    to = put_places(to, which, len(kinds) > 1)
    return put_array(to, 0)


cdef char *put_places(char *to, list which, bint told) except NULL:
    if not told:
        return put_array(to, 0)
    to = put_array(to, len(which))
    for place in which:
        to = put_number(to, place)
    return to


cdef inline char *put_array(char *to, Py_ssize_t size) noexcept:
    if size < 16:
        to[0] = <char>(0x90 | size)
        return to + 1
    to[0] = <char>0xdd
    return put_big_endian(to + 1, size, 4)


cdef inline char *put_number(char *to, unsigned long long number) noexcept:
    if number < 128:
        to[0] = <char>number
        return to + 1
    if number < 65536:
        to[0] = <char>0xcd
        return put_big_endian(to + 1, number, 2)
    to[0] = <char>0xcf
    return put_big_endian(to + 1, number, 8)


cdef inline char *put_big_endian(char *to, unsigned long long number, int size) noexcept:
    cdef int at
    for at in range(size):
        to[at] = <char>((number >> (8 * (size - 1 - at))) & 0xff)
    return to + size


cdef inline char *put_little_endian(char *to, unsigned long long number, int size) noexcept:
    cdef int at
    for at in range(size):
        to[at] = <char>((number >> (8 * at)) & 0xff)
    return to + size


cdef bytes put_frame(char *head, Py_ssize_t size, list jobs, Py_ssize_t bodies):
    cdef JobBase job
    cdef bytes made = PyBytes_FromStringAndSize(NULL, 16 + size + bodies)
    cdef char *to = PyBytes_AS_STRING(made)
    to = put_little_endian(to, MAGIC, 1)
    to = put_little_endian(to, VERSION, 1)
    to = put_little_endian(to, min(len(jobs), 0xffff), 2)
    to = put_little_endian(to, size, 4)
    to = put_little_endian(to, bodies, 8)
    to = put(to, head, size)
    for job in jobs:
        to = put(to, PyBytes_AS_STRING(job.data) + PyBytes_GET_SIZE(job.way.text), body_size(job))
    return made
