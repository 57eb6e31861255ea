-- How long the server that leads may be silent: it renews its lease by the database's clock, and when that is over, another takes its place.
CREATE TABLE lease (one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one), term BIGINT NOT NULL, url TEXT NOT NULL, until TIMESTAMPTZ NOT NULL);
