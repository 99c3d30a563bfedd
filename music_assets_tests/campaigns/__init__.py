"""What goes wrong in weeks, in minutes: kills, faults, damage, hostile text, lost parts, old data, quotas.

What each package promises is tested in its own tests; here all of it works together, for long. The tests are
slow, and short forms of campaigns: `make campaigns` makes them as long as they are meant, and
`docs/reliability.md` says what they found.
"""
