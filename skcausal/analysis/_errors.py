"""The one exception that the command line turns into a single line."""


class InputError(ValueError):
    """The table or an argument cannot be analysed; the message says why.

    The command line prints the message after ``skcausal: error:`` and leaves
    with exit status 2.
    """
