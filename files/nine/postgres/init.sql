-- Makes the database of the server `postgres`, as PostgreSQL's own superuser; run again, it changes nothing.
\set ON_ERROR_STOP on
\getenv password PASSWORD
SELECT 'CREATE ROLE app LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app') \gexec
ALTER ROLE app PASSWORD :'password';
SELECT 'CREATE DATABASE app OWNER app' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'app') \gexec
