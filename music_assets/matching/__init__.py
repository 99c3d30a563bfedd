"""Which Spotify track is this song of the Million Song Dataset?

    from music_assets.matching import Candidate, Song, decide

    decide(Song("Title (Album Version)", "Artist", duration=211.3), candidates).best

The road of a question: `normalise` (one spelling) -> `titles`, `markers`, `artists` (taken apart) -> `side`
(one side read) -> `pair` (side by side) -> `evidence` (the declared list, `compare`) -> `decide` (floor,
margin). Words are in `vocabulary`, records in `records`. Nothing here asks Spotify or touches storage:
candidates come from `sources`, answers are kept by `assets`.
"""

from music_assets.matching.artists import artist_agreement
from music_assets.matching.decide import decide
from music_assets.matching.evidence import Row, compare, explain
from music_assets.matching.normalise import normalise
from music_assets.matching.records import Candidate, Comparison, Decision, Ranked, Song, Status
from music_assets.matching.titles import Title, parse_title
from music_assets.matching.version import matcher_version

__all__ = [
    "Candidate",
    "Comparison",
    "Decision",
    "Ranked",
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
]
