{# What a table has to be to become part of another: the same columns, the same promises. #}

{# _select_as(there, columns, sql) -> the SQL's rows with the columns of a table that is there, in their order and types;
   one that the SQL doesn't give is null. #}
{% macro _select_as(there, columns, sql) -%}
    {%- set given = columns | map(attribute='name') | list -%}
    select
    {%- for column in there %}
        {{ _quoted(column) if column.name in given else 'null' }}::{{ column.type }} as {{ _quoted(column) }}
        {{- ',' if not loop.last }}
    {%- endfor %}
    from (
    {{ sql }}
    ) as made
{%- endmacro %}

{# _rules_of(target) -> `, alter column "customer_id" set not null, …`: what a table has to promise to become its part #}
{% macro _rules_of(target) -%}
    {%- set found = run_query("
        select format('alter column %I set not null', attname) as rule
        from pg_attribute
        where attrelid = '" ~ target ~ "'::regclass and attnum > 0 and attnotnull and not attisdropped
        union all
        select format('add constraint %I %s', conname, pg_get_constraintdef(oid)) as rule
        from pg_constraint
        where conrelid = '" ~ target ~ "'::regclass and contype = 'c'
    ") -%}
    {%- for rule in found.columns[0].values() %}, {{ rule }}{% endfor -%}
{%- endmacro %}
