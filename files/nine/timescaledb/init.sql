-- Makes the database of the server `timescaledb`, as PostgreSQL's own superuser; run again, it changes nothing.
\set ON_ERROR_STOP on
\getenv password PASSWORD
SELECT 'CREATE ROLE metrics LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'metrics') \gexec
ALTER ROLE metrics PASSWORD :'password';
SELECT 'CREATE DATABASE metrics OWNER metrics' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'metrics')
\gexec
\connect metrics
CREATE EXTENSION IF NOT EXISTS timescaledb;
SET ROLE metrics;
CREATE TABLE IF NOT EXISTS measurement (
  measured_at timestamptz NOT NULL,
  series text NOT NULL,
  value double precision NOT NULL
);
SELECT create_hypertable('measurement', 'measured_at', if_not_exists => true);
