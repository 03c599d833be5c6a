"""Jobs: the work that desks leave behind, done one after the other or side by side, and told of while it is done.

`hecate.jobs.job.Job` is what a desk's work sees; `hecate.jobs.runner.JobRunner` runs it.
"""
