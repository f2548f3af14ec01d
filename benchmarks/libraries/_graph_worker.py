"""What every adapter for graphs does: build, ask, and print one line per graph.

``python -m benchmarks.libraries.NAME JOB`` with a job in JSON: ``task``, ``kind``,
``n``, ``seeds``, ``repeats`` and ``limit`` (seconds per call).
"""

import json
import logging
import signal
import statistics
import sys
import time
import warnings
from importlib import metadata

from benchmarks.identification_graphs import KINDS
from benchmarks.libraries._worker import versions

SMALL = 10  # nodes of the graph that warms a process up
LONG = 1.0  # seconds; a call that takes longer is not repeated


class OutOfTimeError(BaseException):
    """Raised inside a call; no library's ``except Exception`` can swallow it."""


def _stop(*_):
    raise OutOfTimeError


def timed(call, state, limit):
    """Return CPU seconds and answer; None for both if the time was not enough.

    The limit is wall time: under a limit of CPU time, Linux counts in coarse ticks.
    """
    signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, limit)
    start = time.process_time()
    try:
        answer = call(state)
        return time.process_time() - start, answer
    except OutOfTimeError:
        return None, None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def ask(build, call, job, seed):
    """Time a question on a graph that is made anew, untimed, for each repeat."""
    question = KINDS[job["kind"]](job["n"], seed)
    record = {"seed": seed, "seconds": None, "answer": None, "error": ""}
    seconds = []
    while len(seconds) < job["repeats"]:
        try:
            taken, answer = timed(call, build(question), job["limit"])
        except Exception as error:
            text = f"{type(error).__name__}: {error}".splitlines()[0]
            return record | {"error": text[:200]}
        if taken is None:
            return record | {"error": "time-out"}
        seconds.append(taken)
        if taken > LONG:
            break
    return record | {"seconds": statistics.median(seconds), "answer": answer}


def main(library, build, tasks):
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    if sys.argv[1:] == ["--versions"]:
        found = {library: versions(library).get(library)}
        print({**found, "networkx": metadata.version("networkx")})
        return
    job = json.loads(sys.argv[1])
    smallest = {**job, "n": min(job["n"], SMALL), "repeats": 1, "limit": 120}
    ask(build, tasks[job["task"]], smallest, 0)  # imports what the task needs
    too_slow = 0
    for seed in job["seeds"]:
        record = ask(build, tasks[job["task"]], job, seed)
        print(json.dumps(record), flush=True)
        too_slow += record["error"] == "time-out"
        if too_slow > len(job["seeds"]) // 2:  # the median is a time-out already
            break
