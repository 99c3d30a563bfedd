"""A sandbox to try things in: a small MSD of its own, a Spotify that behaves like the real one, and the
services beside it.

`invented`        the names that all of it is made of
`msd`             its songs, and writing them as MSD files
`spotify`         what its Spotify has and answers
`recordings`      its MusicBrainz: the recordings that its songs bring
`keyless`         what the sources without a key answer: ReccoBeats, ListenBrainz and its Labs
`dumps`           the files of MusicBrainz, AcousticBrainz and the Echo Nest archive (`echonest`)
`server`          all services over HTTP
`process`         the server as a process that ends with whoever started it

All of it is invented: every row that comes from here has `source = 'sandbox'`. Nothing here knows
how matching works, and the noise is not tuned to it. The clients are in `music_assets.sources`; faults
that tests inject are in `music_assets_tests.support`.
"""
