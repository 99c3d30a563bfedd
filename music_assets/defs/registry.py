"""Every stage, in the order the data flows. Assets, jobs and automation all take them from here."""

from music_assets.defs.assets.companion import companion_songs
from music_assets.defs.assets.listenbrainz import listenbrainz_popularity
from music_assets.defs.assets.mapping import artist_votes, mapped_songs
from music_assets.defs.assets.msd import read_msd
from music_assets.defs.assets.musicbrainz import acousticbrainz_features, musicbrainz_recordings
from music_assets.defs.assets.refresh import artist_releases, spotify_artists_refresh, spotify_tracks_refresh
from music_assets.defs.assets.spotify import audio_features, spotify_artists, spotify_search, spotify_tracks

# Partitioned by MSD directory.
STAGES = (
    read_msd,
    companion_songs,
    musicbrainz_recordings,
    listenbrainz_popularity,
    acousticbrainz_features,
    spotify_search,
    spotify_tracks,
    mapped_songs,
    artist_votes,
    spotify_artists,
    audio_features,
)

# The stage that reads the MSD, those that spend a quota, and those that spend none.
READING = read_msd
SEARCH = spotify_search
SPENDING = tuple(stage for stage in STAGES if stage.pool)
COMPUTED = tuple(stage for stage in STAGES if stage is not READING and not stage.pool)

# Partitioned by day.
STAGES_BY_DAY = (spotify_artists_refresh, spotify_tracks_refresh, artist_releases)
