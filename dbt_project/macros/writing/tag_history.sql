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

{# tag_changes(tagged) -> select customer_id, tag, value: what differs from what readers knew before this date. Compared
   with the tags of the published date before where they are still kept, else with the history itself. #}
{% macro tag_changes(tagged) -%}
    {%- set begun = built_before() -%}
    {%- if not tagged -%}
    select
        null::text as customer_id,
        null::text as tag,
        null::text as value
    where false
    {%- endif -%}
    {%- for each in tagged -%}
        {%- if not begun -%}
    {{ _tags_of(each) }}
        {%- elif var('previous_build_id') | int and load_relation(part_of(each.relation, var('previous_build_id'))) is not none -%}
    {{ _moved_since_previous(each) }}
        {%- else -%}
    {{ _moved_since_recorded(each) }}
        {%- endif %}
    {{ "union all" if begun or not loop.last }}
    {% endfor -%}
    {%- if begun -%}
    {{ _ended(tagged) }}
    {%- endif -%}
{%- endmacro %}

{# Rows are compared whole first; only those of changed customers are turned into one line per tag. A customer who is
   gone has null in all tags. Without any history yet, every tag is news. #}
{% macro _moved_since_previous(tagged) -%}
    select
        coalesce(later.customer_id, before.customer_id) as customer_id,
        tag.tag,
        tag.value
    from {{ current(tagged.relation) }} as later
    full join (
        select * from {{ previous(tagged.relation) }} as published_row
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
            {{ "or " if not loop.first }}later.{{ column }} is distinct from before.{{ column }}
            {%- endfor %}
        )
        and tag.value is distinct from tag.value_before
{%- endmacro %}

{% macro _moved_since_recorded(tagged) -%}
    select
        coalesce(held.customer_id, known.customer_id) as customer_id,
        coalesce(held.tag, known.tag) as tag,
        held.value
    from (
        {{ _tags_of(tagged) }}
    ) as held
    full join (
        select distinct on (customer_id, tag)
            customer_id,
            tag,
            value
        from {{ earlier(this) }} as recorded
        where tag in ('{{ tagged.tags | join("', '") }}')
        order by customer_id, tag, valid_from desc
    ) as known on held.customer_id = known.customer_id and held.tag = known.tag
    where held.value is distinct from known.value
{%- endmacro %}

{% macro _tags_of(tagged) -%}
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

{# Tags that no model has any more: their last values end. The names in the history are found by one look into the
   index each. #}
{% macro _ended(tagged) -%}
    select
        open.customer_id,
        open.tag,
        null::text as value
    from (
        with recursive recorded as (
            select min(first.tag) as tag from {{ this }} as first
            union all
            select (select min(further.tag) from {{ this }} as further where further.tag > recorded.tag)
            from recorded
            where recorded.tag is not null
        )

        select tag from recorded
        where
            tag is not null
            and tag not in ('{{ tagged | map(attribute="tags") | sum(start=[]) | join("', '") }}')
    ) as ended
    cross join lateral (
        select distinct on (known.customer_id)
            known.customer_id,
            known.tag,
            known.value
        from {{ earlier(this) }} as known
        where known.tag = ended.tag
        order by known.customer_id, known.valid_from desc
    ) as open
    where open.value is not null
{%- endmacro %}
