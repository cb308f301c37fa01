-- What no reader may do, one try a line: clear names, other people's rows, the machine's files, another's rights.
select * from marts.dim_customer
set search_path = marts, sources; select * from dim_customer
copy marts.dim_customer to stdout
copy (select * from marts.dim_customer) to '/tmp/x'
copy (select 1) to program 'id'
create temporary table t (a text); copy t from '/etc/passwd'
select pg_read_file('/etc/passwd')
select pg_ls_dir('.')
select lo_import('/etc/passwd')
select lo_export(1, '/tmp/x')
select lo_from_bytea(0, 'kept beside everything')
select lo_create(0)
select lo_creat(-1)
select * from pg_largeobject
select * from pg_statistic
select * from pg_authid
select query_to_xml('select * from marts.dim_customer', true, false, '')
select table_to_xml('marts.dim_customer', true, false, '')
select schema_to_xml('sources', true, false, '')
create function public.leak(text) returns bool language plpgsql cost 0.001 as $$ begin raise notice '%', $1; return true; end $$
create function pg_temp.leak(text) returns bool language sql as 'select true'
create materialized view public.copy as select * from published.dim_branch
create view published.mine as select 1
set role platform; select * from marts.dim_customer
set role dpo; select * from published.dim_customer
set session authorization platform
set row_security = off; select * from marts.dim_customer
alter role current_user superuser
explain analyze select * from marts.dim_customer
lock table marts.dim_customer
select * from governance.quarantine
select examples from governance.node_result
insert into governance.user_scope values (session_user, 'branch', 'B1')
select * from sources.core_banking__customer
do $$ begin perform 1 from marts.dim_customer; end $$
select * from vault.sealed
select wrapped from vault.data_key
select vault.destroy('{C1}')
set role vault; select * from vault.sealed
select raw_text from governance.quarantine where raw_text ~ '^sealed'
