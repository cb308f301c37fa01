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

{# _count(target, columns) -> the statement that tells the planner of a new table: from some thousand rows, for nothing here
   hangs on more. Of a wide one keys and dates are enough: the rest takes longer to count than to write. #}
{% macro _count(target, columns) -%}
    {%- set keys = _named(columns, ['build_id', 'customer_id']) -%}
    set local default_statistics_target = 20; analyze {{ target }}
    {%- if columns | length > 100 and keys %} ({{ keys }}){% endif -%}
{%- endmacro %}

{# _count_again(target, columns, rows) -> the same of a table of so many rows that got a few more. Of a long one only that
   there is a new date: rows that are drawn from all over it have to be read from the disk. Of the rest the server's own
   analyze keeps count, for this one doesn't tell it that the new rows are counted. #}
{% macro _count_again(target, columns, rows) -%}
    {%- set dates = _named(columns, ['build_id']) -%}
    {%- if rows > 100000 and dates -%}
        set local default_statistics_target = 4; analyze {{ target }} ({{ dates }})
    {%- else -%}
        {{ _count(target, columns) }}
    {%- endif -%}
{%- endmacro %}

{# _named(columns, others) -> the columns that are dates or named so, with commas #}
{% macro _named(columns, others) -%}
    {%- set found = [] -%}
    {%- for column in columns if column.data_type == 'date' or column.name in others -%}
        {%- do found.append(_quoted(column)) -%}
    {%- endfor -%}
    {{ return(found | join(', ')) }}
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
