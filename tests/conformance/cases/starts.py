"""How a server starts: models by flag, file and variable, who wins, and what keeps it from starting (spec 7.12, 8)."""

from typing import Any

from tests.conformance.calls import call
from tests.conformance.case import Cases, Step
from tests.conformance.houses import MODEL_API, NO_TOKENS, House
from tests.conformance.starts import Started

cases = Cases("starts", house="dependencies")
LIST = call("management GET /models")
KEYS = ("modelName", "minWorkers", "maxWorkers", "batchSize", "maxBatchDelay", "responseTimeout", "startupTimeout")
URLS = {"TS_ALLOWED_URLS": "https://nowhere/.*"}
STORE = ("echo.mar", "tgz.tar.gz", "folder")
VARIABLES = {"enable_envvars_config": "true"}


def settings(found: Any) -> Any:
    return [{key: each[key] for key in (*KEYS, "loadedAtStartup", "jobQueueStatus")} for each in found]


ECHO = call("management GET /models/echo", show=settings)


def start(
    name: str,
    *steps: Step,
    config: dict[str, str] | None = None,
    flags: tuple[str, ...] = (NO_TOKENS,),
    environment: dict[str, str] | None = None,
    differs: str = "",
    also: tuple[str, ...] = (),
) -> None:
    """A case: one server with these settings."""
    house = House(config=config or {}, flags=flags, environment=environment or {}, archives=(*STORE, *also))
    cases.add(name, Started(house, steps), differs=differs)


def models(*words: str) -> tuple[str, ...]:
    return (NO_TOKENS, "--models", *words)


start("two models with a comma between them", LIST, flags=models("a=echo.mar,b=tgz.tar.gz"))
start("two models as two words", LIST, flags=models("a=echo.mar", "b=tgz.tar.gz"))
start("all models in capitals", LIST, flags=models("ALL"))
start("a model that is not there", LIST, flags=models("nobody.mar", "echo.mar"))
start("a model by its URL", LIST, flags=models("u=file://<archives>/elsewhere.mar"))
start("a model by a path outside the store", LIST, flags=models("u=<archives>/elsewhere.mar"))
start("models of the file", LIST, config={"load_models": "echo.mar,b=echo.mar"})
start("all models of the file", LIST, config={"load_models": "all"})
start(
    "models of the file with a blank between them",
    LIST,
    config={"load_models": "echo.mar, b=echo.mar"},
    differs="A blank after a comma",
)
start("a flag against the file", LIST, config={"load_models": "a=echo.mar"}, flags=models("b=echo.mar"))
start(
    "a variable against the flag",
    LIST,
    config=VARIABLES,
    environment={"TS_LOAD_MODELS": "a=echo.mar"},
    flags=models("b=echo.mar"),
)
start("a variable that nobody asks", ECHO, environment={"TS_JOB_QUEUE_SIZE": "7"}, flags=models("echo.mar"))
start(
    "tokens by a variable against the flag",
    LIST,
    config=VARIABLES,
    environment={"TS_DISABLE_TOKEN_AUTHORIZATION": "false"},
)
start("tokens by the file against the flag", LIST, config={"disable_token_authorization": "false"})
start("no tokens by the file", LIST, config={"disable_token_authorization": "TRUE"}, flags=())
start("the model API by the file", call("management POST /models"), config={"enable_model_api": "true"})
start(
    "the model API by the flag against the file",
    call("management POST /models"),
    config={"enable_model_api": "false"},
    flags=(NO_TOKENS, MODEL_API),
)
start("the inference protocol by its variable", call("GET /v2"), environment={"TS_OPEN_INFERENCE_PROTOCOL": "oip"})
start("the inference protocol by a wrong value", call("GET /v2"), environment={"TS_OPEN_INFERENCE_PROTOCOL": "true"})
start("a line that goes on", LIST, config={"load_models": "a=echo.mar,\\\n   b=echo.mar"})
start("an escaped letter", LIST, config={"load_models": "\\u0061=echo.mar"})
SAID = '{"echo": {"1.0": {"minWorkers": 1, "maxWorkers": 2, "batchSize": 4, "maxBatchDelay": 9, "responseTimeout": 5}}}'
start(
    "settings of models over several lines",
    ECHO,
    config={"models": SAID.replace(" ", "\\\n  ")},
    flags=models("echo.mar"),
)
start("settings of models that are no JSON", config={"models": "{x"}, flags=models("echo.mar"))
WHOLE = SAID.replace(
    '"minWorkers"', '"defaultVersion": true, "marName": "echo.mar", "startupTimeout": 50, "minWorkers"'
)
SNAPSHOT = f'{{"name": "s.cfg", "modelCount": 1, "created": 1, "models": {WHOLE}}}'
start(
    "a snapshot against the flag",
    ECHO,
    LIST,
    config={"model_snapshot": SNAPSHOT},
    flags=models("b=echo.mar"),
    differs="`loadedAtStartup`",
)
start("a snapshot of an archive that is gone", config={"model_snapshot": SNAPSHOT.replace("echo.mar", "nobody.mar")})
start("an address of no kind", config={"inference_address": "ftp://127.0.0.1:8080"})
start("an impossible port", config={"inference_address": "http://127.0.0.1:99999"})
start("a variable that is not set", config={"default_response_timeout": "$$NOBODY$$"})
WRONG = "Invalid booleans and numbers"
start("a truth that is none", LIST, config={"disable_system_metrics": "maybe"}, differs=WRONG)
start("a number that is none", LIST, config={"job_queue_size": "x"}, differs=WRONG)
start("a setting that nobody knows", LIST, config={"colour": "red"})
GOT = call("management POST /models?url=<files>/good/elsewhere.mar&initial_workers=0")
OPEN = {"enable_model_api": "true"}
start(
    "URLs of the variable, asked for",
    GOT,
    config={**VARIABLES, **OPEN, "use_env_allowed_urls": "true"},
    environment=URLS,
)
start("URLs of the variable, no variables", GOT, config={**OPEN, "use_env_allowed_urls": "true"}, environment=URLS)
VERSIONS = call("management GET /models/echo", show=lambda found: [each["modelVersion"] for each in found])
BOTH = models("echo.mar", "echo_v2.mar")
start("two versions", VERSIONS, flags=BOTH, also=("echo_v2.mar",))
start(
    "two versions, of which the second is the default one",
    VERSIONS,
    config={"models": '{"echo": {"2.0": {"defaultVersion": true, "minWorkers": 1, "maxWorkers": 1}}}'},
    flags=BOTH,
    also=("echo_v2.mar",),
    differs="`defaultVersion` in the key `models`",
)
start("one version twice", VERSIONS, flags=models("echo.mar", "echo.mar"), differs="A model that is named twice")
for name, word in [
    ("signs", "a-b.c=echo.mar"),
    ("a sign first", "-x=echo.mar"),
    ("two equals signs", "a=b=echo.mar"),
    ("no name", "=echo.mar"),
    ("a slash", "a/b=echo.mar"),
    ("no file", "a="),
]:
    start(f"a model named with {name}", LIST, config={"load_models": word})
start(
    "letters beyond ASCII", LIST, config={"load_models": "gr\u00fcn=echo.mar"}, differs="config.properties is Latin-1"
)
start("minutes of a token that are none", LIST, config={"token_expiration_min": "0"}, flags=())
