{# What the materializations ask of a table, and do to it. #}

{# _standing(target) -> {'columns': {'amount': {'type': 'numeric(18,2)', 'said': 'Amount.'}, …}, 'said': 'One row per …',
   'row_count': 16000000.0}: a table's columns in their order, the comments on it, about how many rows #}
{% macro _standing(target) -%}
    {%- set found -%}
        select jsonb_build_object(
            'said', obj_description('{{ target }}'::regclass, 'pg_class'),
            'row_count', (select greatest(reltuples, 0) from pg_class where oid = '{{ target }}'::regclass),
            'columns', jsonb_agg(
                jsonb_build_object(
                    'name', attname,
                    'type', format_type(atttypid, atttypmod),
                    'said', col_description(attrelid, attnum)
                )
                order by attnum
            )
        )::text
        from pg_attribute
        where attrelid = '{{ target }}'::regclass and attnum > 0 and not attisdropped
    {%- endset -%}
    {%- set told = fromjson(run_query(found).columns[0].values()[0]) -%}
    {%- set columns = {} -%}
    {%- for column in told['columns'] -%}{%- do columns.update({column['name']: column}) -%}{%- endfor -%}
    {{ return({'said': told['said'], 'row_count': told['row_count'], 'columns': columns}) }}
{%- endmacro %}

{# A task that was thought dead may go on beside its own retry: the second waits for the first, table by table, and what
   readers see or nobody may go on with is not written to, until the transaction ends. #}
{% macro _fence(target) -%}
    {%- set asked -%}
        select
            pg_advisory_xact_lock(hashtextextended('bankmart {{ target }} {{ build_id() }}', 0)),
            (select status from governance.build where build_id = {{ build_id() }} for key share) as status
    {%- endset -%}
    {%- set status = run_query(asked).columns[1].values()[0] -%}
    {%- if status in ('published', 'superseded', 'tidied') -%}
        {%- do exceptions.raise_compiler_error(
            'build ' ~ var('build_id') ~ ' is ' ~ status ~ ': another run took over, and this one writes to it no more'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{# The columns that the SQL gives, with their whole types. A contract is checked, and then says them itself. #}
{% macro _columns_of(sql, target) -%}
    {%- set columns = [] -%}
    {%- if (config.get('contract') or {}).enforced -%}
        {%- do get_assert_columns_equivalent(sql) -%}
        {%- for column in model.columns.values() -%}
            {%- do columns.append({'name': column.name, 'data_type': column.data_type}) -%}
        {%- endfor -%}
    {%- else -%}
        {%- set shape = make_temp_relation(target, '__shape') -%}
        {%- do run_query('create temporary table ' ~ shape ~ ' as (' ~ sql ~ ') with no data') -%}
        {%- for column in _standing(shape).columns.values() -%}
            {%- do columns.append({'name': column.name, 'data_type': column.type}) -%}
        {%- endfor -%}
        {%- do run_query('drop table ' ~ shape) -%}
    {%- endif -%}
    {{ return(columns) }}
{%- endmacro %}

{# Comments are written where they say something new: most days they don't. #}
{% macro _keep_docs(target, standing) -%}
    {%- set stale = [] -%}
    {%- if config.persist_relation_docs() and (standing.said or '') != (model.description or '') -%}
        {%- do stale.append('') -%}
    {%- endif -%}
    {%- for column in model.columns.values() if config.persist_column_docs() -%}
        {%- if ((standing.columns or {}).get(column.name) or {}).get('said') != (column.description or none) -%}
            {%- do stale.append(column.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if stale -%}{%- do persist_docs(target, model) -%}{%- endif -%}
{%- endmacro %}

{% macro _create_table(target, columns) -%}
    create table {{ target }} (
    {%- if (config.get('contract') or {}).enforced -%}
        {{ adapter.render_raw_columns_constraints(raw_columns=model['columns']) | join(', ') }}
    {%- else -%}
        {%- for column in columns -%}
            {{ _quoted(column) }} {{ column.data_type }}{{ ', ' if not loop.last }}
        {%- endfor -%}
    {%- endif -%}
    )
{%- endmacro %}

{% macro _add_keys(target) -%}
    {%- set constraints = adapter.render_raw_model_constraints(raw_constraints=model['constraints']) -%}
    {%- for constraint in constraints if (config.get('contract') or {}).enforced -%}
        alter table {{ target }} add {{ constraint }};
    {%- else -%}
        select 1
    {%- endfor -%}
{%- endmacro %}

{# A column that is new in the SQL is added; one of another type is refused; one that is gone stays and is null. #}
{% macro _add_columns(target, columns, standing) -%}
    {%- for column in columns -%}
        {%- set there = standing.columns.get(column.name) -%}
        {%- if not there -%}
            {%- do run_query('alter table ' ~ target ~ ' add column ' ~ _quoted(column) ~ ' ' ~ column.data_type) -%}
        {%- elif _bare(there.type) != _bare(column.data_type) -%}
            {%- do exceptions.raise_compiler_error(
                'column ' ~ column.name ~ ' of ' ~ target ~ ' is ' ~ there.type ~ ', the model now gives '
                ~ column.data_type ~ ': rows of earlier dates keep their type, so give the changed column a new name'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _quoted(column) -%}
    {{ return('"' ~ column.name ~ '"') }}
{%- endmacro %}

{# numeric(18,2) -> numeric: a bare query doesn't say how long #}
{% macro _bare(type) -%}
    {{ return(modules.re.sub('\\(.*\\)', '', type) | replace('timestamp with time zone', 'timestamptz') | trim) }}
{%- endmacro %}
