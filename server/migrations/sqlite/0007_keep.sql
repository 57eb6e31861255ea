-- What is kept of a job that is kept no longer is found by the job.
CREATE INDEX blob_jobs_job ON blob_jobs (job);
