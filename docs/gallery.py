"""Which examples run when the gallery is built: it never downloads a data set."""

import re
from pathlib import Path

FETCH = re.compile(r"\bfetch_(\w+)\(")
FOLDERS = {"german_credit": "german"}  # where they differ from the loaders' names


def examples_that_run(examples: Path, data: Path) -> list[str]:
    """Return the names of the examples whose data sets, if any, lie in ``data``.

    The others are shown without their output.
    """
    names = []
    for path in sorted(examples.glob("*/plot_*.py")):
        loaders = set(FETCH.findall(path.read_text(encoding="utf-8")))
        sets = {FOLDERS.get(name, name) for name in loaders}
        missing = sorted(name for name in sets if not (data / name).is_dir())
        if missing:
            print(f"{path.name} is not run: no {', '.join(missing)} in {data}")
        else:
            names.append(path.name)
    return names
