{# Generic tests of our own: no dbt package can be fetched behind a bank's firewall. #}

{# at_least_one_row: the build wrote something. #}
{% test at_least_one_row(model) %}
    select 'no row' as finding
    where not exists (select 1 from {{ model }} limit 1)
{% endtest %}

{# between: every value that is there lies in [minimum, maximum]; either may be left out. #}
{% test between(model, column_name, minimum=none, maximum=none) %}
    select {{ column_name }}
    from {{ model }}
    where
        false
        {%- if minimum is not none %}
        or {{ column_name }} < {{ minimum }}
        {%- endif %}
        {%- if maximum is not none %}
        or {{ column_name }} > {{ maximum }}
        {%- endif %}
{% endtest %}

{# A check looks at what the build wrote, not at history. (Instead of a `where` in dbt_project.yml: that would be read
   when the project is parsed, which happens once for all builds.) #}
{% macro get_where_subquery(relation) -%}
    {%- if relation.schema in ('intermediate', 'marts', 'tags', 'features', 'profile') -%}
        {{ return(_written_by(relation, var('build_id') | int) ~ ' as checked') }}
    {%- else -%}
        {{ return(default__get_where_subquery(relation)) }}
    {%- endif -%}
{%- endmacro %}
