{# The two ways in which a build keeps its rows. Neither touches the rows of another build. #}

{# slice: what the business date brought. The build's rows are replaced in a table that only grows. #}
{% materialization slice, adapter='postgres' -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- do _fence(target) -%}
    {%- set standing = {} if existing is none else _standing(target) -%}
    {%- set columns = _columns_of(sql, target) -%}
    {%- if existing is none -%}
        {%- do run_query(_create_table(target, columns)) -%}
    {%- else -%}
        {%- do _add_columns(target, columns, standing) -%}
        {%- do run_query('delete from ' ~ target ~ ' where build_id = ' ~ build_id()) -%}
    {%- endif -%}
    {%- call statement('main') -%}
        {{ _insert(target, columns, sql) }}
    {%- endcall -%}
    {%- if existing is none -%}
        {#- Sorted once, a key costs a third of what it costs row by row. -#}
        {%- do run_query(_add_keys(target)) -%}
        {%- do create_indexes(target) -%}
    {%- endif -%}
    {%- do run_query(_count_again(target, columns, standing.row_count or 0) ~ '; ' ~ _index_new_rows(target)) -%}
    {%- do _keep_docs(target, standing) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{%- endmaterialization %}

{# state: everything as the business date knows it, in a partition of the build's own, which goes as a whole when
   nobody needs it any more (plugins/bankmart/governance/retention.py): nothing to delete row by row, nothing to vacuum. #}
{% materialization state, adapter='postgres' -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- set part = part_of(this, var('build_id')) -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- do _fence(target) -%}
    {%- set standing = {} if existing is none else _standing(target) -%}
    {%- set columns = _columns_of(sql, target) -%}
    {%- if existing is none -%}
        {%- do run_query(_create_table(target, columns) ~ ' partition by list (build_id)') -%}
        {%- do run_query(_add_keys(target)) -%}
        {%- do create_indexes(target) -%}
    {%- else -%}
        {%- do _add_columns(target, columns, standing) -%}
    {%- endif -%}
    {#- Made from its rows, attached when it is whole: its keys are sorted once, and only a table made from its rows can be
        computed by several workers. One does it unless the model says `parallel`: sums of several would depend on who had
        which rows. Nothing in it ever changes, and what the planner needs is counted below: the server's own count of a
        thousand columns would take one of two cores from the models behind it. -#}
    {%- do run_query('drop table if exists ' ~ part) -%}
    {%- if not config.get('meta', {}).get('parallel') -%}
        {%- do run_query('set local max_parallel_workers_per_gather = 0') -%}
    {%- endif -%}
    {%- call statement('main') -%}
        create table {{ part }} with (autovacuum_enabled = false) as
        {{ _select_as(_standing(target).columns.values(), columns, sql) }}
    {%- endcall -%}
    {%- do run_query(
        'alter table ' ~ part ~ ' add constraint of_this_build check (build_id is not null and build_id = ' ~ build_id()
        ~ ')' ~ _rules_of(target)
    ) -%}
    {%- do run_query(
        'alter table ' ~ target ~ ' attach partition ' ~ part ~ ' for values in (' ~ build_id() ~ '); alter table '
        ~ part ~ ' drop constraint of_this_build; ' ~ _count(part, columns)
        ~ '; comment on table ' ~ part ~ " is 'definition " ~ definition() ~ "'"
    ) -%}
    {%- do _keep_docs(target, standing) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target, part]}) }}
{%- endmaterialization %}

{# +schema: marts -> schema "marts": a layer's schema is its own name, never prefixed. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
