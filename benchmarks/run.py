"""Measure skcausal: ``python benchmarks/run.py NAME``, the names are in ``RUNS``.

Peers run in environments of their own, made on first use below ``--environments``;
``--python econml=/path/to/python`` uses one that exists. Data come from the folder in
the environment variable SKCAUSAL_DATA. Tables are written to benchmarks/results/.
"""

import argparse
import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from benchmarks import environments  # noqa: E402

NO_PEERS = ("coverage", "averages", "falsification", "fairness", "deconfounder")


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="benchmark", required=True)
    for name in RUNS:
        command = commands.add_parser(name)
        command.add_argument("--quick", action="store_true", help="a look, minutes")
        command.add_argument("--workers", type=int, default=2, help="jobs at a time")
        command.add_argument("--cache", default=HERE / ".cache", type=Path)
        if name not in NO_PEERS:
            command.add_argument("--environments", default=HERE / ".venvs", type=Path)
            command.add_argument(
                "--python",
                action="append",
                default=[],
                metavar="LIBRARY=PATH",
                help="interpreter that has the library",
            )
    accuracy = commands.choices["accuracy"]
    accuracy.add_argument("--reuse-peers", action="store_true")
    accuracy.add_argument("--acic-every", type=int, default=5, help="own defaults")
    accuracy.add_argument("--ihdp-every", type=int, default=2, help="own defaults")
    coverage = commands.choices["coverage"]
    coverage.add_argument("--draws", type=int, default=1000)
    coverage.add_argument("--only", default="", help="tables whose name contains it")
    coverage.add_argument("--resume", action="store_true", help="keep finished draws")
    speed = commands.choices["speed"]
    speed.add_argument("--repeats", type=int, default=3)
    speed.add_argument("--only", default="", help="parts whose name contains it")
    forest = commands.choices["forest"]
    forest.add_argument("--repeats", type=int, default=3)
    forest.add_argument("--only", default="", help="parts whose name contains it")
    forest.add_argument("--finished", action="store_true", help="no further draws")
    identification = commands.choices["identification"]
    identification.add_argument("--repeats", type=int, default=5)
    identification.add_argument("--only", default="", help="tasks with it in the name")
    identification.add_argument("--limit", type=float, default=60, help="s per call")
    falsification = commands.choices["falsification"]
    falsification.add_argument("--draws", type=int, default=200)
    averages = commands.choices["averages"]
    averages.add_argument("--only", default="", help="tasks with it in the name")
    agreement = commands.choices["agreement"]
    agreement.add_argument("--only", default="", help="parts whose name contains it")
    deconfounder = commands.choices["deconfounder"]
    parts = ("", "actors", "likelihood", "curves", "smoking", "genes", "ratings")
    deconfounder.add_argument("--only", default="", choices=parts, help="one part")
    return parser.parse_args(arguments)


def interpreters(options, libraries=environments.LEARNERS):
    overrides = dict(item.split("=", 1) for item in options.python)
    return environments.all_pythons(options.environments, overrides, libraries)


def run_accuracy(options):
    from benchmarks import accuracy, accuracy_tables

    pythons, versions = interpreters(options)
    identity = environments.source_hash()
    frame = accuracy.run(options, pythons, versions)
    accuracy_tables.save(frame, versions, options, identity)


def run_coverage(options):
    os.environ.update(environments.thread_limits())  # before anything numerical loads
    from benchmarks import coverage

    coverage.run(options)


def run_speed(options):
    from benchmarks import speed

    pythons, versions = interpreters(options)
    speed.run(options, pythons, versions)


def run_forest(options):
    from benchmarks import forest

    pythons, versions = interpreters(options)
    peers = ("skcausal", "econml")
    forest.run(
        options,
        {name: pythons[name] for name in peers},
        {name: versions[name] for name in peers},
    )


def run_averages(options):
    os.environ.update(environments.thread_limits())  # before anything numerical loads
    from benchmarks import averages

    averages.run(options)


def run_identification(options):
    from benchmarks import identification

    pythons, versions = interpreters(options, environments.GRAPHS)
    identification.run(options, pythons, versions)


def run_falsification(options):
    os.environ.update(environments.thread_limits())  # before anything numerical loads
    from benchmarks import falsification

    falsification.run(options)


def run_agreement(options):
    os.environ.update(environments.thread_limits())
    from benchmarks import agreement

    agreement.run(options, *interpreters(options, environments.AVERAGES))


def run_fairness(options):
    os.environ.update(environments.thread_limits())
    from benchmarks import fairness

    fairness.run(options)


def run_structural(options):
    from benchmarks import structural

    structural.run(options, *interpreters(options, structural.LIBRARIES))


def run_deconfounder(options):
    os.environ.update(environments.thread_limits())
    from benchmarks import deconfounder

    deconfounder.run(options)


RUNS = {
    "accuracy": run_accuracy,
    "coverage": run_coverage,
    "speed": run_speed,
    "forest": run_forest,
    "averages": run_averages,
    "identification": run_identification,
    "falsification": run_falsification,
    "agreement": run_agreement,
    "fairness": run_fairness,
    "structural": run_structural,
    "deconfounder": run_deconfounder,
}


def main():
    options = parse()
    start = time.perf_counter()
    RUNS[options.benchmark](options)
    print((HERE / "results" / "README.md").read_text())
    print(f"{options.benchmark}: {(time.perf_counter() - start) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
