-- Who did what: actions of people, the last of each topic.
CREATE TABLE audit (
    at_ms BIGINT NOT NULL, key TEXT NOT NULL, topic TEXT NOT NULL, subject TEXT NOT NULL, action TEXT NOT NULL, object TEXT NOT NULL,
    detail TEXT NOT NULL, PRIMARY KEY (at_ms, key));
