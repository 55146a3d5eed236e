"""Files that appear whole or not at all, whatever ends the program that writes them (chapter 1).

What is written stands under a draft's name beside its own until it is complete. Who writes a draft
holds a lock on it, which the system lets go of however the program ends: so that the next who
writes into that folder can tell what a killed run has left from what another run is at work on.
"""

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ModuleNotFoundError:  # Windows, which by itself keeps an open file from being removed
    fcntl = None

_PATTERN = ".hpss-*.part"
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


@contextmanager
def whole(*paths: str | Path) -> Iterator[tuple[Path, ...]]:
    """Drafts to be written in a `with` block: at its end each becomes its file, all or none.

    Drafts that killed runs have left in the same folders are removed first.

    Parameters
    ----------
    *paths : str or Path
        Of the files; they are replaced where they exist.

    Yields
    ------
    tuple of Path
        A draft for each, empty, to be opened by its name and written in place.

    Raises
    ------
    OSError
        If there is no such folder or it takes no draft, if the disk is full (`disk_errors`), or a
        draft cannot have its name at the end. No draft is left then, nor where the block raises.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with whole(folder / "a.txt") as (draft,):
    ...     _ = draft.write_text("all of it")
    ...     [path.name for path in folder.glob("*.txt")]
    []
    >>> [path.name for path in folder.iterdir()]
    ['a.txt']

    References
    ----------
    Chapter 1.
    """
    targets = [Path(path) for path in paths]
    with disk_errors(targets[0]), ExitStack() as stack:
        for folder in {path.parent for path in targets}:
            sweep(folder)
        drafts = []
        for path in targets:
            if path.is_dir():
                raise IsADirectoryError(f"{path} is a folder; a file is to be written there")
            drafts.append(stack.enter_context(_draft(path)))
        yield tuple(drafts)
        for draft in drafts:
            with draft.open("r+b") as file:
                os.fsync(file)  # on the disk before the name changes, or a power cut leaves a stub
        _rename(dict(zip(targets, drafts, strict=True)))


def sweep(folder: str | Path) -> list[Path]:
    """Remove the drafts that killed runs have left in a folder, and none that is being written.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    list of Path
        What was removed. Where the file system knows no locks, nothing is.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / ".hpss-0123456789ab.part").write_text("half a fi")
    9
    >>> with whole(folder / "a.txt") as (draft,):
    ...     list(folder.iterdir()) == [draft]
    True

    References
    ----------
    Chapter 1.
    """
    removed = []
    for draft in Path(folder).glob(_PATTERN):
        with suppress(OSError):  # at work, gone meanwhile, or not ours to remove
            if fcntl is None:
                draft.unlink()
            else:
                with draft.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    draft.unlink()
            removed.append(draft)
    return removed


@contextmanager
def disk_errors(path: str | Path) -> Iterator[None]:
    """Say which folder takes no more, where the system's own error may name no file.

    Parameters
    ----------
    path : str or Path
        What is written in the `with` block.

    Raises
    ------
    OSError
        In place of the system's own, if the disk or the user's share of it is full. Other errors
        are left as they are.

    Examples
    --------
    >>> with disk_errors("songs/a.csv"):
    ...     raise OSError(errno.ENOSPC, "No space left on device")
    Traceback (most recent call last):
        ...
    OSError: songs takes no more data: is the disk full?

    References
    ----------
    Chapter 1.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise OSError(f"{Path(path).parent} takes no more data: is the disk full?") from error


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A new, locked, empty file beside a path; removed at the end if it is still there."""
    while True:
        draft = path.with_name(f".hpss-{uuid.uuid4().hex[:12]}.part")
        try:
            file = draft.open("xb")
        except FileNotFoundError as error:
            raise FileNotFoundError(f"there is no folder {path.parent}") from error
        except OSError as error:
            if error.errno in _FULL:
                raise
            raise OSError(f"{path.parent} cannot be written to: {error.strerror}") from error
        if fcntl is None:
            file.close()
            break
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if draft.exists():
            break
        file.close()  # somebody swept it between its birth and its lock: once more
    with file, _removed(draft):
        yield draft


@contextmanager
def _removed(draft: Path) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(OSError):
            draft.unlink()


def _rename(drafts: dict[Path, Path]) -> None:
    """Give each draft its path; if one cannot have it, the others vanish too."""
    renamed: list[Path] = []
    try:
        for path, draft in drafts.items():
            os.replace(draft, path)
            renamed.append(path)
    except OSError as error:
        for done in renamed:
            done.unlink()
        raise OSError(f"{path} cannot be written: {error.strerror}") from error
