-- Which jobs a blob belongs to: outputs, and what finished jobs that left the scheduler's memory need. Who may read a blob is decided by it.
CREATE TABLE blob_jobs (digest TEXT NOT NULL, job BIGINT NOT NULL, PRIMARY KEY (digest, job));
INSERT OR IGNORE INTO blob_jobs SELECT json_extract(body, '$.outputs'), job FROM chain WHERE json_extract(body, '$.outputs') IS NOT NULL;
INSERT OR IGNORE INTO blob_jobs SELECT json_extract(body, '$.job.archive'), job FROM finished;
INSERT OR IGNORE INTO blob_jobs SELECT json_extract(body, '$.job.safe.blob'), job FROM finished WHERE json_extract(body, '$.job.safe.blob') IS NOT NULL;
