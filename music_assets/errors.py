"""The one base of every error that a person can act on.

Each package names its own errors below this one, beside the code that raises them; the command line shows
any of them as one message: what is wrong and where (file, partition, setting), then what to do.
What is not below this base is a defect of ours and shows its traceback.
"""


class MusicAssetsError(Exception):
    """Something that cannot be done as things are; the message says why and what to do."""
