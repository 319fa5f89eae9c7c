CREATE FUNCTION create_hypertable(
  relation regclass, time_column_name name, if_not_exists boolean DEFAULT false, migrate_data boolean DEFAULT false
) RETURNS boolean LANGUAGE sql AS 'SELECT true';

CREATE FUNCTION time_bucket(bucket_width interval, ts timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS 'SELECT date_bin(bucket_width, ts, ''2000-01-03'')';
