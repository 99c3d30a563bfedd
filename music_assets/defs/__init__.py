"""Everything Dagster: stages and assets, checks, automation, resources, IO managers, partitions.

What is computed is in the packages below, which do not know Dagster; when it runs, and how it is shown, is
here.
"""
