"""What the sandbox's Spotify has and answers; the HTTP server itself is in `sandbox.server`.

`generator`  how an MSD song becomes tracks: itself with the noise of reality, its copies, and the
             karaoke, live and cover twins a matcher must not take for it
`entities`   artists, albums and tracks, as they follow from names
`names`      what spellings of a name share, and ids made from names
`catalogue`  those tracks in an SQLite file, with the truth beside them
`search`     what a search query means and finds
`behaviours` how it misbehaves, where that is switched on
`responses`  JSON as Spotify writes it, in both access modes
`errors`     errors as Spotify writes them
"""
