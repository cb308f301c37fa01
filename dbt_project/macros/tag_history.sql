{# The history of tags holds changes only. Its list of tags is the graph's: a new tag needs nothing here. #}

{# tag_models() -> the tag models: [{relation: tags.tag_value, tags: [{column: aum_tier}, …]}, …] #}
{% macro tag_models() -%}
    {%- set found = [] -%}
    {%- for node in (graph.nodes.values() if execute else []) | sort(attribute='name') -%}
        {%- if node.resource_type == 'model' and node.name.startswith('tag_') and node.fqn[2] != 'history' -%}
            {%- if node.unique_id not in model.depends_on.nodes -%}
                {{ exceptions.raise_compiler_error(
                    model.original_file_path ~ " does not wait for " ~ node.name ~ ": add the line\n-- depends_on: "
                    ~ "{{ ref('" ~ node.name ~ "') }}"
                ) }}
            {%- endif -%}
            {%- set columns = [] -%}
            {%- for column in node.columns.values() -%}
                {%- if column.config.meta.get('class') == 'derived.tag' -%}
                    {%- do columns.append(column.name) -%}
                {%- endif -%}
            {%- endfor -%}
            {%- set relation = api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias) -%}
            {%- do found.append({'relation': relation, 'tags': columns}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{# tag_changes_of({relation: tags.tag_value, tags: [aum_tier]}) -> select customer_id, tag, value: of each customer
   whose row differs from the one of the published date before, the tags that differ. Rows are compared whole first:
   only those of changed customers are turned into one line per tag. A customer that is gone has null in all tags. #}
{% macro tag_changes_of(tagged) -%}
    select
        coalesce(later.customer_id, before.customer_id) as customer_id,
        tag.tag,
        tag.value
    from {{ current(tagged.relation) }} as later
    full join (
        select * from {{ previous(tagged.relation) }} as published_row
        -- Without any history yet, every tag of today is news.
        where exists (select 1 from {{ earlier(this) }} as recorded)
    ) as before on later.customer_id = before.customer_id
    cross join lateral (
        values
        {%- for column in tagged.tags %}
        ('{{ column }}', later.{{ column }}::text, before.{{ column }}::text){{ "," if not loop.last }}
        {%- endfor %}
    ) as tag (tag, value, value_before)
    where
        (
            {%- for column in tagged.tags %}
            later.{{ column }} is distinct from before.{{ column }}{{ " or" if not loop.last }}
            {%- endfor %}
        )
        and tag.value is distinct from tag.value_before
{%- endmacro %}

{# tags_of({relation: tags.tag_value, tags: [aum_tier]}) -> select customer_id, tag, value of all that this build has #}
{% macro tags_of(tagged) -%}
    select
        later.customer_id,
        tag.tag,
        tag.value
    from {{ current(tagged.relation) }} as later
    cross join lateral (
        values
        {%- for column in tagged.tags %}
        ('{{ column }}', later.{{ column }}::text){{ "," if not loop.last }}
        {%- endfor %}
    ) as tag (tag, value)
    where tag.value is not null
{%- endmacro %}

{# previous_is_there() -> whether the tags of the published date before are still there to be compared with #}
{% macro previous_is_there() -%}
    {{ return((var('previous_build_id', 1) | int) > 0) }}
{%- endmacro %}

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
