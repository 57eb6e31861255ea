-- What the server knows of itself: its own name, its life.
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
