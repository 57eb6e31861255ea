-- Invitations: host tokens that enrol one host, and the host that each enrolled.
ALTER TABLE tokens ADD COLUMN invitation BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN enrolled BIGINT;
