-- What is tried besides plain queries, one try a line. `-- needs` says, of the lines behind it, whom they let through:
-- who reads a column, calls a function, makes what is in a schema or temporary tables, is (a member of) a role, is just
-- that role; by the metadata. All others are refused.
-- needs reads marts.dim_customer.name
select * from marts.dim_customer
set search_path = marts, sources; select * from dim_customer
copy marts.dim_customer to stdout
copy marts.dim_customer (name, mobile) to stdout
copy (select * from marts.dim_customer) to stdout
select query_to_xml('select * from marts.dim_customer', true, false, '')
select table_to_xml('marts.dim_customer', true, false, '')
set row_security = off; select * from marts.dim_customer
explain analyze select * from marts.dim_customer
lock table marts.dim_customer
do $$ begin perform 1 from marts.dim_customer; end $$
prepare way as select name from marts.dim_customer; execute way
-- needs reads sources.core_banking__customer.name
select * from sources.core_banking__customer
copy sources.core_banking__customer to stdout
-- needs reads scores.customer_score.customer_id
select schema_to_xml('scores', true, false, '')
-- needs reads governance.quarantine.raw_text
select * from governance.quarantine
select raw_text from governance.quarantine where raw_text ~ '^sealed'
-- needs reads governance.node_result.examples
select examples from governance.node_result
-- needs reads governance.erasure.customer_id
select customer_id from governance.erasure
-- needs reads governance.tombstone.anonymous
select anonymous from governance.tombstone
-- needs reads vault.sealed.record
select * from vault.sealed
-- needs reads vault.data_key.wrapped
select wrapped from vault.data_key
-- needs reads vault.master.token_key
select token_key from vault.master
-- needs reads audit.entry.actor
select actor from audit.entry
-- needs reads audit.entry.facts
select facts from audit.entry
-- needs reads audit.said.words
select words from audit.said
-- needs calls audit.blacken(bigint, text, text, text)
select audit.blacken(0, 'reason', repeat('0', 32), 'x')
-- needs calls vault.destroy(text[])
select vault.destroy('{C1}')
-- needs makes governance
insert into governance.user_scope values (session_user, 'branch', 'B1')
update governance.published_view set stands = ''
-- needs makes marts
insert into marts.dim_customer (customer_id) values ('C1')
grant select on marts.dim_customer to public
-- needs makes published
create view published.mine as select 1
alter view published.dim_customer set (security_barrier = false)
-- needs makes public
create function public.leak(text) returns bool language plpgsql cost 0.001 as $$ begin raise notice '%', $1; return true; end $$
create function public.length(text) returns integer language sql as 'select 1'
create operator public.<<< (function = text_lt, leftarg = text, rightarg = text)
create materialized view public.copy as select * from published.dim_branch
-- needs temporary
create temporary table t (a text)
create function pg_temp.leak(text) returns bool language sql as 'select true'
-- needs is platform
set role platform; select * from marts.dim_customer
-- needs is loader
set role loader; select * from sources.core_banking__customer
alter default privileges for role loader in schema sources grant select on tables to public
-- needs is dpo
set role dpo; select * from published.dim_customer
-- needs is vault
set role vault; select * from vault.sealed
-- needs just platform
set session authorization platform
-- needs nobody
set session authorization bankmart_admin
alter role current_user superuser
alter role current_user bypassrls
create role mine superuser
create foreign data wrapper mine
create temporary table t (a text); copy t from '/etc/passwd'
create function pg_temp.leak(text) returns bool language sql leakproof as 'select true'
copy (select 1) to '/tmp/x'
copy (select 1) to program 'id'
select pg_read_file('/etc/passwd')
select pg_read_binary_file('/etc/passwd')
select pg_stat_file('/etc/passwd')
select pg_ls_dir('.')
select pg_ls_logdir()
select pg_current_logfile()
select pg_create_physical_replication_slot('mine')
select lo_import('/etc/passwd')
select lo_export(1, '/tmp/x')
select lo_from_bytea(0, 'kept beside everything')
select lo_create(0)
select lo_creat(-1)
select * from pg_largeobject
select * from pg_statistic
select * from pg_statistic_ext_data
select * from pg_authid
select * from pg_shadow
select * from pg_user_mapping
select * from pg_hba_file_rules
select * from pg_file_settings
update audit.entry set actor = 'nobody'
delete from audit.entry
truncate audit.entry
update audit.said set words = 'x'
delete from audit.said
insert into audit.said select * from audit.said
insert into audit.entry select * from audit.entry
alter table audit.entry disable trigger all
