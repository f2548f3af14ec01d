"""An environment of its own for each peer, made once and then reused."""

import ast
import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PINNED = {
    "econml": ["econml==0.17.0"],
    "causalml": ["causalml==0.18.0"],
    "dowhy": ["dowhy==0.14"],
    "pgmpy": ["pgmpy==1.1.2"],
}
LIBRARIES = ("skcausal", "econml", "causalml")
GRAPH_LIBRARIES = ("skcausal", "networkx", "pgmpy", "dowhy")
SHARED = ("lightgbm", "numpy", "scikit-learn")


def thread_limits(n_threads=1):
    names = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")
    return {f"{name}_NUM_THREADS": str(n_threads) for name in names}


def worker_variables(n_threads=1):
    """Return the variables of a worker: the checkout importable, threads limited."""
    return {**os.environ, **thread_limits(n_threads), "PYTHONPATH": str(ROOT)}


def adapter_command(python, library, *arguments):
    return [str(python), "-m", f"benchmarks.libraries.{library}", *map(str, arguments)]


def installed_versions(python, library):
    """Ask the adapter for versions; None if the environment cannot run it."""
    answer = subprocess.run(
        adapter_command(python, library, "--versions"),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=worker_variables(),
    )
    found = ast.literal_eval(answer.stdout) if answer.returncode == 0 else {}
    return found if library in found else None


def _shared_pins():
    """Pin what all libraries should share to the versions of this interpreter."""
    from importlib import metadata

    return [f"{name}=={metadata.version(name)}" for name in SHARED]


def python_of(library, folder, overrides):
    """Return the interpreter for a library, making its environment if needed."""
    if library in overrides:
        return overrides[library]
    if library not in PINNED:  # skcausal and what it depends on
        return sys.executable
    requirements = PINNED[library]
    path = Path(folder) / requirements[0].replace("==", "-")
    python = path / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if python.exists() and installed_versions(python, library):
        return python
    print(f"making the environment {path} ({', '.join(requirements)})", flush=True)
    venv.create(path, with_pip=True, clear=True)
    command = [python, "-m", "pip", "install", "--quiet", *requirements]
    subprocess.run([*command, *_shared_pins()], check=True)
    return python


def all_pythons(folder, overrides, libraries=LIBRARIES):
    """Return interpreter and versions per library, or stop with the reason."""
    pythons, versions = {}, {}
    for library in libraries:
        pythons[library] = python_of(library, folder, overrides)
        found = installed_versions(pythons[library], library)
        if found is None:
            raise SystemExit(f"run.py: {library} does not run in {pythons[library]}")
        versions[library] = found
    return pythons, versions


def source_hash():
    """Identify the source of skcausal, so that no old result passes for a new one."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "skcausal").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
