"""Models that are not served the plain way: sequences, steps, asynchronous handlers, tickets, own packages (spec 7)."""

from tests.conformance.calls import call
from tests.conformance.case import Cases
from tests.conformance.steps import Begun, FileComes, Finished, MakeFile, Until

cases = Cases("kinds", house="kinds")
TEXT = {"content_type": "text/plain"}


def say(model: str, word: str, sequence: str = "", **headers: str):
    own = {name.replace("_", "-"): value for name, value in headers.items()}
    name = {"ts_request_sequence_id": sequence} if sequence else {}
    return call(f"POST /predictions/{model}", word, headers={**name, **own}, **TEXT)


def register(archive: str):
    return call(f"management POST /models?url={archive}.mar&initial_workers=1")


def remove(model: str):
    return call(f"management DELETE /models/{model}", silent=True)


def ok(answer):
    return answer.get("status") == 200


for model in ("talks", "talks_in_steps"):
    a, b, c, d, e, f = (f"{model}-{letter}" for letter in "abcdef")  # each case has its own: a sequence may expire
    cases.add(f"{model}: a sequence", say(model, "one", a), say(model, "two", a), say(model, "three", a))
    cases.add(f"{model}: two sequences", say(model, "one", b), say(model, "uno", c), say(model, "two", b))
    cases.add(f"{model}: a sequence without a name", say(model, "one"), say(model, "two"))
    start = {"ts_request_sequence_start": "true"}
    again = call(f"POST /predictions/{model}", "anew", headers={"ts_request_sequence_id": e, **start}, **TEXT)
    cases.add(f"{model}: a sequence that says that it begins", say(model, "one", e), again, say(model, "two", e))
    cases.add(f"{model}: a sequence that ends", say(model, "end", d), say(model, "more", d))
    mine = [call(f"POST /predictions/{model}", word, headers={"X-Seq": "a"}, **TEXT) for word in ("one", "end", "two")]
    cases.add(f"{model}: headers of one's own", *mine, say(model, "one", "a"), house="own sequence headers")
    cases.add(f"{model}: by a version", say(f"{model}/1.0", "one", f))
    cases.add(
        f"{model}: described", call(f"management GET /models/{model}", show=lambda found: sequence_keys(found[0]))
    )


def sequence_keys(found):
    wanted = ("stateful", "sequence", "maxNum", "maxSeq", "continuous", "useJob", "batchSize")
    return {name: value for name, value in found.items() if name.startswith(wanted)}


lone = call("POST /predictions/talks", "one", headers={"TS_REQUEST_SEQUENCE_ID": "talks-g"}, **TEXT)
cases.add("talks: the header in capitals", say("talks", "one", "talks-g"), lone, differs="Header look-ups")

few = "talks_little"
cases.add(
    "as many sequences as are allowed",
    Until(say(few, "one", "one"), ok),
    say(few, "one", "another"),
    Until(say(few, "one", "another"), ok),
)
cases.add(
    "as many requests of a sequence as may wait",
    Until(say(few, "one", "busy"), ok),
    Begun("busy", (say(few, "hold <folder>/little", "busy"),)),
    FileComes("<folder>/little.begun"),
    Begun("waiting", (say(few, "next", "busy"), say(few, "next", "busy"))),
    Until(call("POST /predictions/talks", "x", headers={"ts_request_sequence_id": "talks-a"}, **TEXT), ok),
    MakeFile("<folder>/little.go"),
    Finished("busy"),
    Finished("waiting"),
)


def served(model: str, *steps):
    return (register(model), *steps, remove(model))


cases.add(
    "a sequence whose whole time is over",
    *served(
        "talks_shortly",
        say("talks_shortly", "one", "a"),
        Until(say("talks_shortly", "one", "b"), ok),
        say("talks_shortly", "two", "b"),
    ),
)
cases.add(
    "a sequence that ends makes room",
    *served(
        "talks_to_an_end",
        say("talks_to_an_end", "one", "a"),
        say("talks_to_an_end", "one", "b"),
        say("talks_to_an_end", "one", "c"),
        say("talks_to_an_end", "end", "a"),
        Until(say("talks_to_an_end", "one", "c"), ok),
        say("talks_to_an_end", "two", "b"),
    ),
)
tickets = call("POST /predictions/two_tickets", "", **TEXT)
holds = [call("POST /predictions/two_tickets", f"<folder>/two-{n}", **TEXT) for n in (1, 2)]
cases.add(
    "two workers have two tickets",
    *served(
        "two_tickets",
        Until(tickets, ok),
        Begun("one", (holds[0],)),
        FileComes("<folder>/two-1.begun"),
        Begun("two", (holds[1],)),
        FileComes("<folder>/two-2.begun"),
        tickets,
        call("management GET /models/two_tickets", show=lambda found: found[0]["jobQueueStatus"]),
        MakeFile("<folder>/two-1.go"),
        MakeFile("<folder>/two-2.go"),
        Finished("one"),
        Finished("two"),
    ),
)

for word in ("go 3", "plain", "fail 1", "fail 2"):
    cases.add(f"steps: {word}", say("in_steps", word, X_Own="mine"))
cases.add(
    "steps: several at once",
    Begun("steps", (say("in_steps", "go 3"), say("in_steps", "go 2"), say("in_steps", "plain"))),
    Finished("steps"),
)
cases.add("steps: by explanations", call("POST /explanations/in_steps", "go 2", **TEXT))

for word in ("word", "fail", "busy", "parts", "header", ""):
    cases.add(f"together: {word or 'nothing'}", say("together", word))
cases.add("together: two at once", Begun("meet", (say("together", "meet"), say("together", "meet"))), Finished("meet"))

hold = call("POST /predictions/ticketed", "<folder>/ticketed", **TEXT)
cases.add(
    "a request without a ticket",
    Until(call("POST /predictions/ticketed", "", **TEXT), ok),
    Begun("held", (hold,)),
    FileComes("<folder>/ticketed.begun"),
    call("POST /predictions/ticketed", "", **TEXT),
    MakeFile("<folder>/ticketed.go"),
    Finished("held"),
    Until(call("POST /predictions/ticketed", "", **TEXT), ok),
    call("POST /predictions/ticketed", "", **TEXT),
)


cases.add(
    "requirements that cannot be installed",
    register("needs_nonsense"),
    call("POST /predictions/needs_nonsense", "1", **TEXT),
    differs="A model whose requirements",
)
for name in ("wheel", "wheel_in_venv"):
    cases.add(
        f"requirements that the archive brings: {name}",
        register(name),
        call(f"POST /predictions/{name}", "1", **TEXT),
        remove(name),
    )
cases.add("a virtual environment", register("venv"), call("POST /predictions/venv", "1", **TEXT), remove("venv"))
cases.add(
    "sequences without an idle time",
    register("talks_for_ever"),
    call("POST /predictions/talks_for_ever", "1", headers={"ts_request_sequence_id": "a"}, **TEXT),
    differs="`sequenceBatching` without",
)
