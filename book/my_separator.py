"""A separator of your own: one function for each step, which you fill in chapter by chapter.

Replace each `return ...` by a few lines. The cell at the end of a chapter compares your function
with the library's and says what differs. NumPy is all you need. Names and shapes:

    x (n,)  ->  X (F, T)  ->  V = |X|  ->  V_p (F, T)  ->  S_p, S_h (F, T)  ->  s_p, s_h (n,)

All of it is in one setting of the STFT, the book's "compact" one.
"""

import numpy as np  # noqa: F401 (your functions will want it)

RATE = 44100  # Hz
N_FFT, HOP = 2048, 512  # samples; the window is a periodic Hann of N_FFT
FRAMES, CONTEXT = 120, 10  # of a sequence that the network hears; at each end
LEVEL = 0.08  # the root mean square that it hears each sequence at


def sdr(s, s_hat):
    """The SDR in dB of an estimate s_hat (n,) of s (n,). Chapter 1."""
    return ...


def stft(x):
    """The spectrogram X (F, T) of a signal x (n,), divided by sqrt(N_FFT). Chapter 2.

    T = 1 + n // HOP frames, frame t centred on sample t HOP; silence before and after the signal.
    """
    return ...


def istft(X, length):
    """The signal (length,) whose spectrogram comes nearest to X (F, T). Chapter 2."""
    return ...


def medians(V):
    """H, P (F, T) of magnitudes V: medians of 31 frames, of 31 bins, edges mirrored. Chapter 3."""
    return ...


def mask(P, H):
    """The mask M_p (F, T) of the drums: shares of energy, 1/2 where P = H = 0. Chapter 3."""
    return ...


def subtract(X, V_p):
    """S_p, S_h (F, T), with the mixture's phase, their sum X; 0 where X is 0. Chapter 4."""
    return ...


def gru(x, W, U, b, c):
    """The states (T, H) of a GRU that hears x (T, D). Chapter 5.

    W (3H, D), U (3H, H), b, c (3H,): the rows of the gates r and z and of the proposal n.
    """
    return ...


def network(V, weights):
    """The drums in one sequence of magnitudes V (FRAMES, N), no context: (T', N). Chapter 5.

    weights: "hears" (F, N), the matrix from bins to what the encoder hears; "forward", "backward",
    "decoder", each (W, U, b, c) of a GRU; "mask", "squeeze", "restore", each (W, b).
    """
    return ...


def estimate(V, weights):
    """The drums V_p (N, T) in magnitudes V (N, T) of any length, sequence by sequence. Chapter 6.

    Each sequence is brought to LEVEL, put through `network`, and brought back.
    """
    return ...


def frequencies(v):
    """The frequency (F,), in bins, of the sinusoid that governs each bin of a frame v. Chapter 7.

    Peaks above 1/100 of the frame's largest; parabolas through log v; regions of influence.
    """
    return ...


def propagate(phase, f):
    """The phases (F,) one HOP later, of sinusoids of frequencies f (F,), in bins. Chapter 7."""
    return ...


def closed_form(X, V_p, V_h, start):
    """S_p, S_h of given magnitudes that come as near to X as can be, all (F,). Chapter 8.

    S_h lies on the side of X on which `start` lies; X, V_p and V_h are above 0.
    """
    return ...


def si_sdr(s, s_hat):
    """The scale-invariant SDR in dB of an estimate s_hat (n,) of s (n,). Chapter 9."""
    return ...
