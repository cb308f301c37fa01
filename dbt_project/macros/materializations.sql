{# The two ways in which a build keeps its rows. Neither touches the rows of another build. #}

{# slice: what the business date brought. The build's rows are replaced in a table that only grows. #}
{% materialization slice, adapter='postgres' -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- set columns = _columns_of(sql, target) -%}
    {%- if existing is none -%}
        {%- do run_query(_create_table(target, columns)) -%}
    {%- else -%}
        {%- do _add_columns(target, columns) -%}
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
    {%- do run_query('analyze ' ~ target) -%}
    {%- do persist_docs(target, model) -%}
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
    {%- set columns = _columns_of(sql, target) -%}
    {%- if existing is none -%}
        {%- do run_query(_create_table(target, columns) ~ ' partition by list (build_id)') -%}
        {%- do run_query(_add_keys(target)) -%}
        {%- do create_indexes(target) -%}
    {%- else -%}
        {%- set added = _add_columns(target, columns) -%}
    {%- endif -%}
    {#- Attached while it is empty: nothing is read again to check that its rows belong to it. -#}
    {%- do run_query('drop table if exists ' ~ part) -%}
    {%- do run_query('create table ' ~ part ~ ' (like ' ~ target ~ ' including defaults including constraints)') -%}
    {%- do run_query('alter table ' ~ target ~ ' attach partition ' ~ part ~ ' for values in (' ~ build_id() ~ ')') -%}
    {%- call statement('main') -%}
        {{ _insert(part, columns, sql) }}
    {%- endcall -%}
    {#- A thousand columns take longer to count than to write, and nobody asks the planner about most of them. -#}
    {%- set key = 'customer_id' if 'customer_id' in columns | map(attribute='name') else columns[0].name -%}
    {%- set counted = ' (build_id, ' ~ key ~ ')' if columns | length > 100 else '' -%}
    {%- do run_query('analyze ' ~ part ~ counted) -%}
    {%- do run_query('comment on table ' ~ part ~ " is 'definition " ~ definition() ~ "'") -%}
    {#- Commenting a thousand columns takes as long as filling them. -#}
    {%- if existing is none or added or columns | length <= 100 -%}
        {%- do persist_docs(target, model) -%}
    {%- endif -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{%- endmaterialization %}

{# The columns that the SQL gives, with their whole types; a contract is checked. #}
{% macro _columns_of(sql, target) -%}
    {%- if (config.get('contract') or {}).enforced -%}
        {%- do get_assert_columns_equivalent(sql) -%}
    {%- endif -%}
    {%- set shape = make_temp_relation(target, '__shape') -%}
    {%- do run_query('drop table if exists ' ~ shape) -%}
    {%- do run_query('create temporary table ' ~ shape ~ ' as (' ~ sql ~ ') with no data') -%}
    {%- set columns = adapter.get_columns_in_relation(shape) -%}
    {%- do run_query('drop table ' ~ shape) -%}
    {{ return(columns) }}
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
{% macro _add_columns(target, columns) -%}
    {%- set there, added = {}, [] -%}
    {%- for column in adapter.get_columns_in_relation(target) -%}
        {%- do there.update({column.name: column.data_type}) -%}
    {%- endfor -%}
    {%- for column in columns -%}
        {%- if column.name not in there -%}
            {%- do run_query('alter table ' ~ target ~ ' add column ' ~ _quoted(column) ~ ' ' ~ column.data_type) -%}
            {%- do added.append(column.name) -%}
        {%- elif _bare(there[column.name]) != _bare(column.data_type) -%}
            {%- do exceptions.raise_compiler_error(
                'column ' ~ column.name ~ ' of ' ~ target ~ ' is ' ~ there[column.name] ~ ', the model now gives '
                ~ column.data_type ~ ': rows of earlier dates keep their type, so give the changed column a new name'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(added) }}
{%- endmacro %}

{% macro _insert(target, columns, sql) -%}
    {%- set names = [] -%}
    {%- for column in columns -%}{%- do names.append(_quoted(column)) -%}{%- endfor -%}
    insert into {{ target }} ({{ names | join(', ') }})
    select {{ names | join(', ') }} from (
    {{ sql }}
    ) as made
{%- endmacro %}

{% macro _quoted(column) -%}
    {{ return('"' ~ column.name ~ '"') }}
{%- endmacro %}

{# numeric(18,2) -> numeric: a bare query doesn't say how long #}
{% macro _bare(type) -%}
    {{ return(modules.re.sub('\\(.*\\)', '', type) | replace('timestamp with time zone', 'timestamptz') | trim) }}
{%- endmacro %}
