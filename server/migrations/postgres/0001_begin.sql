-- The log: one row for each batch of events, and the last snapshot that it continues from.
CREATE TABLE events (first BIGINT PRIMARY KEY, count BIGINT NOT NULL, rules BIGINT NOT NULL, body BYTEA NOT NULL);
CREATE TABLE snapshot (part BIGINT PRIMARY KEY, upto BIGINT NOT NULL, body BYTEA NOT NULL);
-- What people ask for and the scheduler does not need to remember.
CREATE TABLE changes (job BIGINT NOT NULL, number BIGINT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (job, number));
CREATE TABLE chain (job BIGINT NOT NULL, segment BIGINT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (job, segment));
-- What was answered under an Idempotency-Key.
CREATE TABLE answers (name TEXT PRIMARY KEY, request TEXT NOT NULL, number BIGINT NOT NULL, at_ms BIGINT NOT NULL);
CREATE TABLE tokens (
    id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, scope TEXT NOT NULL, subject TEXT NOT NULL, host BIGINT,
    issued_ms BIGINT NOT NULL, revoked_ms BIGINT);
