"""What sound files say of their length, against what they hold (chapter 1).

A decoder believes a header: an mp3 or a FLAC whose header understates its length ends early, a WAV
whose writer never came back to fill in its sizes is empty. `mended` compares, and hands out the
file as if its header told the truth.
"""

import io
import mmap
import os
import re
import struct
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_WAV_UNKNOWN = 0xFFFFFFFF  # of a writer that could not go back; decoders read on to the end
_MPEG_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # Hz
_MPEG_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)  # kbit/s
_MPEG_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_LOST = 1 << 16  # bytes without a frame after which an mp3 is at its end
_FLAC_BLOCK = {
    1: 192,
    **{k: 576 << k - 2 for k in range(2, 6)},
    **{k: 1 << k for k in range(8, 16)},
}
_TAIL = 1 << 17  # bytes at a file's end in which its last frame or page begins
_LONGEST_TAIL = 1 << 21  # however long its header says that frames are
_SUMMED = 1 << 22  # bytes at most of which check sums are taken, in search of the last frame
_CHUNKS = 10_000  # in front of the samples, at most
_TITLE = 128  # bytes of an ID3v1 tag, which may stand behind the last frame
_CUT_SHORT = "is it a download that was cut short?"


def mended(path: Path) -> tuple[BinaryIO | None, str]:
    """A sound file as if its header stated the length that it has.

    Parameters
    ----------
    path : Path
        Of any sound file.

    Returns
    -------
    file : binary file or None
        None where the file can be read as it is.
    remark : str
        What its header says amiss, or is missing at its end, where that is known before it is
        decoded; else "".

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "text.txt")
    >>> _ = path.write_text("no sound")
    >>> mended(path)
    (None, '')
    """
    with path.open("rb") as file:
        start = file.read(12)
        if start[:4] == b"RIFF" and start[8:] == b"WAVE":
            return _mended_wav(path, file)
        if start[:4] == b"fLaC":
            return _mended_flac(path, file)
        if start[:4] == b"OggS":
            return None, "" if _ends_as_ogg(_tail(file, _TAIL)) else f"has no end: {_CUT_SHORT}"
        if start and (path.suffix.lower() == ".mp3" or start[:3] == b"ID3"):
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
                return _mended_mp3(path, held)
    return None, ""


def ends_early(seconds: float, stated: float) -> str:
    """What is said of a file that holds less than its header states.

    Parameters
    ----------
    seconds, stated : float
        What it holds, and what its header states, in s.

    Returns
    -------
    str

    Examples
    --------
    >>> ends_early(1, 3)
    'ends after 1.0 of the 3.0 s that its header states: is it a download that was cut short?'
    """
    return f"ends after {seconds:.1f} of the {stated:.1f} s that its header states: {_CUT_SHORT}"


_NOTES = re.compile(rb"\[[^]\n]*libmpg123|Note: |Warning: |\s*$")  # how the decoder's lines begin
_turn = threading.Lock()  # the process has one stderr


@contextmanager
def decoder_hushed() -> Iterator[None]:
    """Keep off the screen what the mp3 decoder itself says of a damaged file.

    It writes notes in its own terms, a screen full for each file, to the process's stderr, and
    takes no word to be quiet. What matters of it is an error or a warning of `audio.read`. Whatever
    else is written there meanwhile, by another thread, say, comes out at the end.

    Examples
    --------
    >>> with decoder_hushed():
    ...     _ = os.write(2, b"Note: Trying to resync...")
    """
    with _turn:
        put_back = _held_back()
        try:
            yield
        finally:
            put_back()


def _held_back() -> Callable[[], None]:
    """Let stderr run into a file; what is returned ends that, and passes on what is no note."""
    with ExitStack() as stack:
        try:
            screen = os.dup(2)
            stack.callback(os.close, screen)
            held = stack.enter_context(tempfile.TemporaryFile())
        except OSError:  # stderr is closed, or there is no room: then notes are shown
            return lambda: None
        _flush()
        os.dup2(held.fileno(), 2)
        kept = stack.pop_all()

    def put_back() -> None:
        with kept:
            _flush()
            os.dup2(screen, 2)
            held.seek(0)
            for line in held:
                if not _NOTES.match(line):
                    with suppress(OSError):
                        os.write(2, line)

    return put_back


def _flush() -> None:
    with suppress(OSError, ValueError, AttributeError):  # None, or closed
        sys.stderr.flush()


def _goes_on(seconds: float, stated: float) -> str:
    return f"lasts {seconds:.1f} s, of which its header states {stated:.1f}: all of it is read"


def _tail(file: BinaryIO, size: int) -> bytes:
    file.seek(-min(size, file.seek(0, io.SEEK_END)), io.SEEK_END)
    return file.read()


class _Patched(io.FileIO):
    """A file of which some bytes read otherwise."""

    def __init__(self, path: Path, at: int, instead: bytes):
        super().__init__(path)
        self._patch = at, instead

    def readinto(self, buffer) -> int:
        here, (at, instead) = self.tell(), self._patch
        count = super().readinto(buffer) or 0
        first, last = max(here, at), min(here + count, at + len(instead))
        if first < last:
            memoryview(buffer)[first - here : last - here] = instead[first - at : last - at]
        return count


# ------------------------------------------------------------------------------------------ WAV


def _mended_wav(path: Path, file: BinaryIO) -> tuple[BinaryIO | None, str]:
    """Go from chunk to chunk up to the samples; compare their stated size with the file's."""
    size, bytes_a_second = path.stat().st_size, 0
    for _ in range(_CHUNKS):
        if len(head := file.read(8)) < 8:
            break
        name, stated = head[:4], struct.unpack("<I", head[4:])[0]
        here = file.tell()
        if name == b"fmt ":
            fields = file.read(16)
            bytes_a_second = struct.unpack("<I", fields[8:12])[0] if len(fields) == 16 else 0
        elif name == b"data":
            held = size - here
            if stated == 0 and held >= 8 and bytes_a_second and not _is_chunk(file.read(8), held):
                return _Patched(path, here - 4, struct.pack("<I", _WAV_UNKNOWN)), ""
            if held < stated < _WAV_UNKNOWN - 2**20 and bytes_a_second:
                return None, ends_early(held / bytes_a_second, stated / bytes_a_second)
            return None, ""
        file.seek(here + stated + stated % 2)
    return None, ""


def _is_chunk(head: bytes, held: int) -> bool:
    """Whether another chunk follows an empty one, and no samples."""
    name, size = head[:4], struct.unpack("<I", head[4:])[0]
    return name.isascii() and name.decode("ascii").strip().isalnum() and size <= held - 8


# ----------------------------------------------------------------------------------- FLAC and Ogg


def _mended_flac(path: Path, file: BinaryIO) -> tuple[BinaryIO | None, str]:
    """Find the last frame, which says where it stands, and compare with what the header states."""
    file.seek(0)
    head = file.read(26)
    if len(head) < 26 or head[4] & 127 != 0:  # the stream's own description comes first
        return None, ""
    shortest, longest = struct.unpack(">HH", head[8:12])
    rate = int.from_bytes(head[18:21]) >> 4
    stated = int.from_bytes(head[21:26]) & (1 << 36) - 1  # 0: unknown, which decoders live with
    frame = int.from_bytes(head[15:18])  # the longest, in bytes
    tail = _tail(file, min(max(_TAIL, 2 * frame + _TITLE), _LONGEST_TAIL))
    end = _flac_end(tail, longest if shortest == longest else 0)
    if not (stated and rate) or end <= stated:
        return None, ""
    mended = bytes([head[21] & 0xF0 | end >> 32]) + struct.pack(">I", end & 0xFFFFFFFF)
    return _Patched(path, 21, mended), _goes_on(end / rate, stated / rate)


def _flac_end(tail: bytes, block: int) -> int:
    """How many samples stand before the end of the last frame; 0 where none is found.

    block: of all frames but the last; 0 where they differ, and each says its first sample.
    """
    if tail[-_TITLE:][:3] == b"TAG":
        tail = tail[:-_TITLE]
    at, summed = len(tail), 0
    while (at := tail.rfind(b"\xff", 0, at)) >= 0 and summed < _SUMMED:
        if tail[at + 1 : at + 2] in (b"\xf8", b"\xf9"):
            summed += len(tail) - at
            if not _crc16(tail[at:]):
                number, samples = _flac_frame(tail[at : at + 16])
                return number * (block if tail[at + 1] == 0xF8 else 1) + samples
    return 0


def _flac_frame(head: bytes) -> tuple[int, int]:
    """The number of a frame, or of its first sample, and how many samples it has."""
    more = max(8 - (~head[4] & 0xFF).bit_length() - 1, 0)  # bytes of the number behind its first
    number = head[4] & (0x7F if not more else (1 << 6 - more) - 1)
    for byte in head[5 : 5 + more]:
        number = number << 6 | byte & 63
    code, behind = head[2] >> 4, 5 + more
    if code in (6, 7):
        return number, int.from_bytes(head[behind : behind + code - 5]) + 1
    return number, _FLAC_BLOCK.get(code, 0)


def _crc16(data: bytes) -> int:
    """The check sum of FLAC's frames, with which a whole frame comes to 0."""
    crc = 0
    for byte in data:
        crc = crc << 8 & 0xFFFF ^ _CRC16[crc >> 8 ^ byte]
    return crc


def _crc16_of_a_byte(byte: int) -> int:
    crc = byte << 8
    for _ in range(8):
        crc = crc << 1 ^ (0x18005 if crc & 0x8000 else 0)
    return crc


_CRC16 = [_crc16_of_a_byte(byte) for byte in range(256)]


def _ends_as_ogg(tail: bytes) -> bool:
    """Whether the last page is whole, and says that it is the last."""
    at = tail.rfind(b"OggS")
    head = tail[at : at + 27]
    if at < 0 or len(head) < 27:
        return False
    lengths = tail[at + 27 : at + 27 + head[26]]
    whole = len(lengths) == head[26] and at + 27 + head[26] + sum(lengths) <= len(tail)
    return whole and bool(head[5] & 4)


# ------------------------------------------------------------------------------------------ mp3


def _mended_mp3(path: Path, held: mmap.mmap) -> tuple[BinaryIO | None, str]:
    """Count its frames, and compare with what the first of them says of the others."""
    frames = _mpeg_frames(held)
    first = next(frames, None)
    if first is None:
        return None, ""
    at, size = first
    count = sum(1 for _ in frames)
    info = max(held.find(b"Xing", at, at + size), held.find(b"Info", at, at + size))
    if info >= 0 and held[info + 7] & 1:
        stated = struct.unpack(">I", held[info + 8 : info + 12])[0]
        if stated >= count:
            return None, ""
        version, rate = held[at + 1] >> 3 & 3, held[at + 2] >> 2 & 3
        second = _MPEG_RATES[version][rate] / (1152 if version == 3 else 576)  # in frames
        patched = _Patched(path, info + 8, struct.pack(">I", count))
        return patched, _goes_on(count / second, stated / second)
    if held.find(b"VBRI", at, at + size) >= 0:
        return None, ""
    # Nothing is said, and the decoder would guess: a frame that says it goes first.
    return io.BytesIO(_info_frame(held[at : at + 4], count + 1) + held[at:]), ""


def _info_frame(header: bytes, count: int) -> bytes:
    """A frame as encoders put it first: silent, with how many frames follow."""
    bits = int.from_bytes(header) | 1 << 16  # no check sum
    bits = bits & ~0xF000 | (9 if bits >> 19 & 3 == 3 else 12) << 12  # long enough: 96 kbit/s up
    mono, mpeg_1 = bits >> 6 & 3 == 3, bits >> 19 & 3 == 3
    side = (17 if mono else 32) if mpeg_1 else (9 if mono else 17)
    frame = bits.to_bytes(4) + bytes(side) + b"Xing" + struct.pack(">II", 1, count)
    return frame.ljust(_frame_size(bits), b"\0")


def _mpeg_frames(held: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Place and size in bytes of each frame; nothing of what is not layer 3."""
    at, kind = 0, None
    if held[:3] == b"ID3" and len(held) > 10:
        length = sum((byte & 127) << 7 * k for k, byte in enumerate(reversed(held[6:10])))
        at = 10 + length + (10 if held[5] & 16 else 0)
    searched = 0
    while at + 4 <= len(held) and searched < _LOST:
        bits = int.from_bytes(held[at : at + 4])
        size = _frame_size(bits)
        same = kind is None or bits & 0xFFFE0C00 == kind  # version, layer and rate never change
        # Two frames in a row to begin with: eleven bits alone are found anywhere.
        if size and same and (kind is not None or _follows(held, at + size, bits)):
            kind, searched = bits & 0xFFFE0C00, 0
            if at + size <= len(held):
                yield at, size
            at += size
        else:
            at, searched = at + 1, searched + 1


def _follows(held: mmap.mmap, at: int, bits: int) -> bool:
    following = int.from_bytes(held[at : at + 4])
    return (following ^ bits) & 0xFFFE0C00 == 0 and _frame_size(following) > 0


def _frame_size(bits: int) -> int:
    """Bytes of the layer-3 frame with this header; 0 where it is none, or of a free bit rate."""
    version, layer, index, rate = bits >> 19 & 3, bits >> 17 & 3, bits >> 12 & 15, bits >> 10 & 3
    if bits >> 21 != 0x7FF or layer != 1 or version == 1 or index in (0, 15) or rate == 3:
        return 0
    kilobits = (_MPEG_1 if version == 3 else _MPEG_2)[index]
    samples = 1152 if version == 3 else 576
    return samples * 125 * kilobits // _MPEG_RATES[version][rate] + (bits >> 9 & 1)
