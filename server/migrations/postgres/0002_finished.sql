-- Finished jobs that left the scheduler's memory, and the blobs that are kept for good: their archives and last checkpoints, and outputs.
CREATE TABLE finished (job BIGINT PRIMARY KEY, owner TEXT NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX finished_owner ON finished (owner, job);
CREATE TABLE kept (digest TEXT PRIMARY KEY);
INSERT INTO kept SELECT DISTINCT body::json ->> 'outputs' AS digest FROM chain WHERE body::json ->> 'outputs' IS NOT NULL;
