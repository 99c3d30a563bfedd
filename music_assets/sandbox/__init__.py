"""A world to try things in: a small MSD of its own, a Spotify that behaves like the real one, and the
services beside it.

`noise`      how an MSD song becomes tracks on the sandbox's Spotify: itself with the noise of
             reality, its copies, and the karaoke, live and cover twins a matcher must not take for it
`library`    its artists, albums and tracks, as they follow from names
`names`      what spellings of a name share, and ids made from names
`catalogue`  those tracks in an SQLite file, with the truth beside them
`query`      what a search query means
`find`       what a search finds
`bodies`     JSON as Spotify writes it, in both access modes
`keyless`    what ReccoBeats and ListenBrainz answer
`faults`     what goes wrong, when told to: limits, quotas, errors
`wire`       what goes wrong with a connection: cut, reset, silent
`server`     all of them over HTTP
`process`    the server as a process that ends with whoever started it
`echonest`   an Echo Nest mapping archive of its songs

All of it is invented: every row that comes from here says `source = 'sandbox'`. Nothing here knows
how matching works, and the noise is not tuned to it. The client that asks is in
`music_assets.sources.spotify`.
"""
