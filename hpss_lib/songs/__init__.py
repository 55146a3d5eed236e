"""Random songs as notes, rendered to stems: music that the project owns, to learn from and to show.

A network learns from songs whose stems are known, and a book needs examples that may be given away.
Neither can be had in the amount that is needed, so both are composed here. One flow, a module each:

1. `score`: the notation. A `Score` is music as written, a `Song` is music as played.
2. `styles`: what a kind of music draws from, as data. `composing` draws a random `Score` from a
   style and a seed; the book's own excerpts are scores written by hand, in
   `tools/render_excerpts.py`.
3. `performing`: plays a `Score`: notes in seconds, with swing, accents and human timing.
   `grooves`: lets a drummer's MIDI file take the place of the drums.
4. `synthesis`: gives notes sound, by FluidSynth and a sound font; `instruments` does so with
   single recorded notes. Either way two stems come of it, percussive and harmonic, which sum to
   the mixture.
5. `effects`: rooms, amplifiers, compressors, so that stems sound recorded.
6. `lessons`: all of that from one seed, written as folders that `data.find_songs` reads, by
   `tools/render_training.py`.

Recorded notes are not part of the project. `tools/index_notes.py` makes the index of a folder of
them, and `instruments` says what stands in it.

Nothing in the library's core imports this package, only tools do.
"""
