-- Which jobs a blob belongs to: outputs, and what finished jobs that left the scheduler's memory need. Who may read a blob is decided by it.
CREATE TABLE blob_jobs (digest TEXT NOT NULL, job BIGINT NOT NULL, PRIMARY KEY (digest, job));
INSERT INTO blob_jobs SELECT body::json ->> 'outputs', job FROM chain WHERE body::json ->> 'outputs' IS NOT NULL ON CONFLICT DO NOTHING;
INSERT INTO blob_jobs SELECT body::json -> 'job' ->> 'archive', job FROM finished ON CONFLICT DO NOTHING;
INSERT INTO blob_jobs SELECT body::json -> 'job' -> 'safe' ->> 'blob', job FROM finished WHERE body::json -> 'job' -> 'safe' ->> 'blob' IS NOT NULL ON CONFLICT DO NOTHING;
