-- What Redshift has and PostgreSQL has not, as far as our statements use it.
CREATE DOMAIN public.super AS jsonb;
CREATE FUNCTION public.json_parse(t varchar) RETURNS public.super LANGUAGE sql IMMUTABLE
  AS $$ SELECT t::jsonb::public.super $$;
CREATE FUNCTION public.json_serialize(s public.super) RETURNS varchar LANGUAGE sql IMMUTABLE
  AS $$ SELECT s::text $$;
CREATE FUNCTION public.split_to_array(t text, separator text) RETURNS public.super LANGUAGE sql IMMUTABLE
  AS $$ SELECT to_jsonb(string_to_array(t, separator))::public.super $$;
CREATE FUNCTION public.getdate() RETURNS timestamp LANGUAGE sql STABLE
  AS $$ SELECT now() AT TIME ZONE 'utc' $$;
CREATE VIEW public.svv_roles AS
  SELECT oid AS role_id, rolname::varchar AS role_name FROM pg_catalog.pg_roles WHERE NOT rolcanlogin;
CREATE VIEW public.svv_tables AS
  SELECT n.nspname::varchar AS table_schema, c.relname::varchar AS table_name,
         obj_description(c.oid, 'pg_class')::varchar AS remarks
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v');
CREATE VIEW public.svv_columns AS
  SELECT n.nspname::varchar AS table_schema, c.relname::varchar AS table_name, a.attname::varchar AS column_name,
         format_type(a.atttypid, a.atttypmod)::varchar AS data_type, a.attnum::integer AS ordinal_position,
         col_description(c.oid, a.attnum)::varchar AS remarks
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
  WHERE c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped;
CREATE TABLE public.sys_load_error_detail (
  session_id integer, start_time timestamp DEFAULT clock_timestamp(), file_name varchar, line_number bigint,
  column_name varchar, error_message varchar);
GRANT SELECT ON public.svv_roles, public.svv_tables, public.svv_columns, public.sys_load_error_detail TO PUBLIC;
CREATE SCHEMA standin;
GRANT USAGE ON SCHEMA standin TO PUBLIC;

-- COPY: the lines of all files, as the proxy wrote them (object, line, JSON), into the table; the
-- first line that does not fit ends it. The error's detail is what `sys_load_error_detail` is made of.
CREATE FUNCTION standin.load(target regclass, columns text[], path text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $f$
DECLARE
  names text;
  fields text;
  one record;
  wrong text;
  field text;
BEGIN
  IF NOT has_table_privilege(session_user, target, 'INSERT') THEN
    RAISE EXCEPTION 'permission denied for relation %', target USING ERRCODE = '42501';
  END IF;
  SELECT string_agg(quote_ident(attname), ','), string_agg('r.' || quote_ident(attname), ',') INTO names, fields
    FROM pg_attribute WHERE attrelid = target AND attnum > 0 AND NOT attisdropped
     AND (columns IS NULL OR attname = ANY(columns));
  CREATE TEMP TABLE standin_lines (object text, line bigint, doc text) ON COMMIT DROP;
  EXECUTE format('COPY standin_lines FROM %L', path);
  BEGIN
    EXECUTE format('INSERT INTO %s (%s) SELECT %s FROM standin_lines, '
                   'LATERAL jsonb_populate_record(NULL::%s, doc::jsonb) r', target, names, fields, target);
  EXCEPTION WHEN OTHERS THEN
    FOR one IN SELECT * FROM standin_lines LOOP
      BEGIN
        EXECUTE format('INSERT INTO %s (%s) SELECT %s FROM jsonb_populate_record(NULL::%s, $1::jsonb) r',
                       target, names, fields, target) USING one.doc;
      EXCEPTION WHEN OTHERS THEN
        wrong := SQLERRM;
        FOREACH field IN ARRAY string_to_array(replace(names, '"', ''), ',') LOOP
          BEGIN
            EXECUTE format('SELECT jsonb_populate_record(NULL::%s, jsonb_build_object($1, $2::jsonb -> $1))', target)
              USING field, one.doc;
          EXCEPTION WHEN OTHERS THEN EXIT;
          END;
          field := NULL;
        END LOOP;
        RAISE EXCEPTION 'Load into table ''%'' failed. Check ''sys_load_error_detail'' system table for details.',
          target USING ERRCODE = 'XX000',
          DETAIL = json_build_object('file', one.object, 'line', one.line, 'column', field, 'error', wrong)::text;
      END;
    END LOOP;
  END;
  DROP TABLE standin_lines;
END $f$;
