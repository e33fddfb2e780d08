"""Files as a revision in git has them: `HEAD~1:specs/mine.yaml`, written as git itself writes it."""

from __future__ import annotations

import os

from convcost.errors import ConvcostError, one_line

SECONDS = 20
"""What git may take, which need not look anywhere but on the disk."""


def read(name: str, most: int, what: str) -> bytes:
    """The bytes of REVISION:PATH in the repository that we are in, the path from its top (from here with ./).

    Raises ConvcostError if there is no such revision or file, if it has more bytes than are read of `what`, and where
    there is no git.
    """
    import subprocess

    revision, _, path = name.partition(":")
    if revision.startswith("-") or not revision or not path:
        raise ConvcostError(f"{name}: no such file; in git it would be REVISION:PATH")
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    try:
        size = int(_git(("cat-file", "-s", name), environment))
        data = _git(("cat-file", "blob", name), environment) if size <= most else b""
    except (FileNotFoundError, ValueError):  # ValueError: a null character
        raise ConvcostError(f"{name}: no such file, and no git to ask for a revision") from None
    except subprocess.TimeoutExpired:
        raise ConvcostError(f"{name}: git did not answer within {SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        said = one_line(error.stderr.decode(errors="replace")).removeprefix("fatal: ")
        raise ConvcostError(f"{name}: no such file, and git says: {said[:200] or 'nothing'}") from None
    if size > most:
        raise ConvcostError(f"{name}: larger than {most:,} bytes, the most that is read of {what}")
    return data


def _git(arguments: tuple[str, ...], environment: dict[str, str]) -> bytes:
    import subprocess

    command = ("git", "--no-pager", *arguments)
    done = subprocess.run(  # noqa: S603  # the revision is no option, and no shell reads it
        command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=SECONDS, env=environment
    )
    return done.stdout
