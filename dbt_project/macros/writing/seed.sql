{# A list that the bank keeps is loaded where its file has changed: its table's comment says from what. Most days nothing
   has. #}
{% materialization seed, adapter='postgres' -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- set said = 'content ' ~ local_md5([model.checksum.name, model.checksum.checksum, tojson(config.get('column_types'))] | join) -%}
    {%- if load_cached_relation(this) is not none -%}
        {%- set known = run_query("select obj_description('" ~ target ~ "'::regclass)").columns[0].values()[0] -%}
        {#- Of a large file dbt only knows the path. -#}
        {%- if known == said and model.checksum.name != 'path' -%}
            {%- do store_result('agate_table', response='OK') -%}
            {%- call statement('main') -%} select 1 {%- endcall -%}
            {{ return({'relations': [target]}) }}
        {%- endif -%}
        {#- Stopped halfway, it must not say what it held before. -#}
        {%- do run_query('comment on table ' ~ target ~ ' is null') -%}
    {%- endif -%}
    {%- set made = materialization_seed_default() -%}
    {%- call statement('said', auto_begin=True) -%}
        comment on table {{ target }} is '{{ said }}'
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {{ return(made) }}
{%- endmaterialization %}
