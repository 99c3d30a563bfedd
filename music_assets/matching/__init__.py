"""Which Spotify track is this song of the Million Song Dataset?

    from music_assets.matching import Candidate, Song, decide

    decide(Song("Title (Album Version)", "Artist", duration=211.3), candidates).best

How a pair is compared: `normalise` (one spelling) -> `titles`, `markers`, `artists` (taken apart) ->
`features` (one record) -> `pair` (two records) -> `evidence` (the declared list, `compare`) -> `decide`
(floor, margin) -> `releases` (several songs at once). Words are in `vocabulary`, records in `records`. Where
the weights come from, and how good it is: docs/matching.md. Nothing here asks Spotify or touches storage.
"""

from music_assets.matching.artists import Renamings, artist_agreement, read_credit
from music_assets.matching.decide import decide
from music_assets.matching.evidence import VETO, Row, compare, explain, probability, weigh
from music_assets.matching.normalise import normalise
from music_assets.matching.records import Candidate, Comparison, Decision, Ranked, Song, Status
from music_assets.matching.releases import renamed_artists
from music_assets.matching.titles import Title, parse_title
from music_assets.matching.version import matcher_version

__all__ = [
    "VETO",
    "Candidate",
    "Comparison",
    "Decision",
    "Ranked",
    "Renamings",
    "Row",
    "Song",
    "Status",
    "Title",
    "artist_agreement",
    "compare",
    "decide",
    "explain",
    "matcher_version",
    "normalise",
    "parse_title",
    "probability",
    "read_credit",
    "renamed_artists",
    "weigh",
]
