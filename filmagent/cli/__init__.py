"""Words typed by a person -> one call of the library -> an exit code.

The only place that catches everything. stdout carries the result and nothing else; stderr the rest. Exit codes: 0 done,
1 failed, 2 wrong usage, 3 waiting for a person, 130 interrupted.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

from filmagent.cli.parser import parse
from filmagent.errors import FilmAgentError

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Never raises for what a person can cause."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    show_traceback = "--traceback" in words
    options = parse([word for word in words if word != "--traceback"])
    if isinstance(options, int):
        return options
    try:
        if getattr(options, "gpus", None) is None:
            code: int = options.run(options)
        else:
            from filmagent.cli.several import run_on_several

            code = run_on_several(words, options)
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; `filmagent resume` goes on where it stopped\n")
        return INTERRUPTED
    except FilmAgentError as error:
        if show_traceback:
            traceback.print_exc()
        sys.stderr.write(f"filmagent: {error}\n")
        return error.exit_code
    except Exception as error:
        if show_traceback:
            traceback.print_exc()
        sys.stderr.write(
            f"filmagent: unexpected {type(error).__name__}: {error}\n"
            "this is a bug; run again with --traceback and report what it prints\n"
        )
        return 1
    return code
