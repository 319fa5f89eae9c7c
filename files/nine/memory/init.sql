-- Makes the database of the server `memory`, as PostgreSQL's own superuser; run again, it changes nothing.
\set ON_ERROR_STOP on
\getenv password PASSWORD
SELECT 'CREATE ROLE memory LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'memory') \gexec
ALTER ROLE memory PASSWORD :'password';
SELECT 'CREATE DATABASE memory OWNER memory' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'memory') \gexec
\connect memory
SET ROLE memory;
CREATE TABLE IF NOT EXISTS entity (name text PRIMARY KEY, kind text NOT NULL);
CREATE TABLE IF NOT EXISTS observation (
  entity text REFERENCES entity (name) ON DELETE CASCADE,
  fact text,
  observed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (entity, fact)
);
CREATE TABLE IF NOT EXISTS relation (
  source text REFERENCES entity (name) ON DELETE CASCADE,
  kind text,
  target text REFERENCES entity (name) ON DELETE CASCADE,
  PRIMARY KEY (source, kind, target)
);
