{# A view that others are built upon: replaced in place, where dbt's own materialization drops it and all that hangs
   on it. #}
{% materialization lasting_view, default %}
    {%- set target = this.incorporate(type='view') -%}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main') -%}
        {%- if config.get('contract').enforced %}{{ get_assert_columns_equivalent(sql) }}{% endif %}
        create or replace view {{ target }} as (
            {{ sql }}
        )
    {%- endcall %}
    {% do persist_docs(target, model) %}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{# A view that is made anew where its text has changed, and left alone otherwise. Nothing in the database hangs on it;
   its comment holds the text's hash. #}
{% materialization standing_view, adapter='postgres' %}
    {%- set target = this.incorporate(type='view') -%}
    {%- set said = 'definition ' ~ local_md5(sql) -%}
    {{ run_hooks(pre_hooks) }}
    {%- set found = run_query("select obj_description(to_regclass('" ~ target ~ "'), 'pg_class')") -%}
    {%- set made -%}
        {%- if found.columns[0].values()[0] != said -%}
            drop view if exists {{ target }};
            create view {{ target }} as (
                {{ sql }}
            );
            comment on view {{ target }} is '{{ said }}'
        {%- else -%}
            select 1
        {%- endif -%}
    {%- endset -%}
    {% call statement('main') -%}
        {{ made }}
    {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}
