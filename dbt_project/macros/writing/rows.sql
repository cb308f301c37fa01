{# How rows get into a table, and what the server is told of them. #}

{# _insert(target, columns, sql) -> the statement that puts the rows into a table, in the order of the dates that it has a
   block index on: what a window looks back for then lies together, however the files were sorted. #}
{% macro _insert(target, columns, sql) -%}
    {%- set names = [] -%}
    {%- for column in columns -%}{%- do names.append(_quoted(column)) -%}{%- endfor -%}
    {%- set dates = [] -%}
    {%- for index in config.get('indexes') or [] if index.type == 'brin' -%}
        {%- do dates.extend(index.columns | reject('equalto', 'build_id')) -%}
    {%- endfor -%}
    insert into {{ target }} ({{ names | join(', ') }})
    select {{ names | join(', ') }} from (
    {{ sql }}
    ) as made
    {% if dates %}order by {{ dates | join(', ') }}{% endif %}
{%- endmacro %}

{# _count(target, columns, keys_only) -> the statement that tells the planner of a table: from some thousand rows, for
   nothing here hangs on more. Of a wide table, and of a long one that got a few rows more, keys and dates are enough:
   the rest takes longer to count than to write. #}
{% macro _count(target, columns, keys_only) -%}
    {%- set keys = [] -%}
    {%- for column in columns if column.data_type == 'date' or column.name in ('build_id', 'customer_id') -%}
        {%- do keys.append(_quoted(column)) -%}
    {%- endfor -%}
    set local default_statistics_target = 20; analyze {{ target }}
    {%- if keys_only and keys %} ({{ keys | join(', ') }}){% endif -%}
{%- endmacro %}

{# _index_new_rows(target) -> the statement that tells a table's block indexes what the new rows are. Else only the server's
   own vacuum does, when a fifth of the table is new, and each look back reads all rows since. #}
{% macro _index_new_rows(target) -%}
    select brin_summarize_new_values(index_of.indexrelid)
    from pg_index as index_of
    inner join pg_class as known on index_of.indexrelid = known.oid
    inner join pg_am as method on known.relam = method.oid
    where index_of.indrelid = '{{ target }}'::regclass and method.amname = 'brin'
{%- endmacro %}
