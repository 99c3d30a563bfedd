"""Where data comes from: one package per source, `http` and `ledger` for all of them. No Dagster.

A source says what it offers, its limits, terms and errors. Which is used for which song is decided in
`resolution`.
"""
