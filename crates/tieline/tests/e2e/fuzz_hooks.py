"""What schemathesis is told beyond the API's own document: whose ids there are, and that a foreign one
must look like a missing one. The ids come in the environment, as JSON."""

import itertools
import json
import os

import schemathesis

MINE = json.loads(os.environ["TIELINE_FUZZ_MINE"])
THEIRS = json.loads(os.environ["TIELINE_FUZZ_THEIRS"])
REFUSALS = {400, 401, 403, 404, 405, 406, 408, 413, 415, 422, 429}
MARKS = [*THEIRS, os.environ["TIELINE_FUZZ_MARK"]]

# Ids made up at random are missing ones, which says little: two of three requests ask for something that is there.
turns = itertools.cycle(["mine", "theirs", "made up"])
mine, theirs = itertools.cycle(MINE), itertools.cycle(THEIRS or MINE)


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    values = value if isinstance(value, list) else [value]
    return "\n".join(v if isinstance(v, str) else json.dumps(v) for v in values).encode()


@schemathesis.hook
def before_call(context, case, **kwargs):
    for name in case.path_parameters or {}:
        turn = next(turns)
        if turn == "mine" and case.method.upper() != "DELETE":
            case.path_parameters[name] = next(mine)
        elif turn == "theirs":
            case.path_parameters[name] = next(theirs)


@schemathesis.check
def no_foreign_object(context, response, case):
    given = (case.path_parameters or {}).values()
    if any(value in THEIRS for value in given):
        # Refused before anything was looked up, or as what is not there.
        assert response.status_code in REFUSALS, f"a foreign id is told from a missing one: {response.status_code}"
    # What the request itself named may come back in an error.
    asked = json.dumps([str(case.path_parameters), str(case.query), str(case.body)])
    for mark in MARKS:
        assert mark not in response.text or mark in asked, f"something of the other tenant: {mark}"
