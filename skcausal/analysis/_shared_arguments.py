"""What several commands share: seeds, output files, the progress bar."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations

from skcausal.analysis._errors import InputError


def seed(text: str) -> int:
    """Return a seed for ``type=`` of an argument."""
    value = int(text)
    if not 0 <= value < 2**31:
        raise ValueError(text)
    return value


def check_outputs(arguments: argparse.Namespace) -> None:
    """Refuse outputs that cannot be written, or would overwrite what is read.

    Raises
    ------
    InputError
        If so.
    """
    from skcausal.analysis._writing import check_writable

    outputs = {"--out": arguments.out, "--json": arguments.json}
    outputs = {name: path for name, path in outputs.items() if path is not None}
    for option, path in outputs.items():
        check_writable(path, option)
    for (one, first), (other, second) in combinations(outputs.items(), 2):
        if first.resolve() == second.resolve():
            msg = f'{one} and {other} both name "{first}".'
            raise InputError(msg)
    inputs = {"table": "file", "graph": "graph", "model": "model"}
    for what, name in inputs.items():
        read = getattr(arguments, name, None)
        for option, path in outputs.items():
            if read is not None and path.resolve() == read.resolve():
                msg = (
                    f'{option}: "{path}" is the {what} itself and would be overwritten.'
                )
                raise InputError(msg)


@contextmanager
def progress(steps: int, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show a progress bar on standard error, if a person is there to see it."""
    from tqdm import tqdm

    hidden = quiet or not sys.stderr.isatty()
    begun = 0
    with tqdm(
        total=steps,
        disable=hidden,
        leave=False,
        file=sys.stderr,
        bar_format="{l_bar}{bar:24}| {elapsed}",
    ) as bar:

        def advance(step: str) -> None:
            nonlocal begun
            bar.set_description(step)
            if begun and bar.n < steps:
                bar.update()
            begun += 1

        yield advance
