-- The term of the one server that writes: each that takes the lock raises it, and every transaction that writes holds this row against the next.
CREATE TABLE leader (one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one), term BIGINT NOT NULL);
INSERT INTO leader (term) VALUES (0);
