{# Incremental strategy `slice`: a run replaces what its own build wrote before, and nothing else. #}
{% macro get_incremental_slice_sql(arg_dict) -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arg_dict['target_relation'] }} where build_id = {{ build_id() }};
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    (select {{ columns }} from {{ arg_dict['temp_relation'] }})
{%- endmacro %}

{# fresh_statistics() -> analyze marts.fct_transaction; nothing for a view #}
{% macro fresh_statistics() -%}
    {% if config.get('materialized') == 'incremental' %}analyze {{ this }}{% endif %}
{%- endmacro %}
