{# The parts of the macro `indicators`: which events it looks at, and how a family is added up. #}

{# window_events('fct_transaction', 'transaction_date', [30, 90], true) -> common table expressions `event`: the rows of the
   fact with person_id and age_days_before, the age that the date before has counted already (null: it has not).
   Where windows slide, also `before` and `relinked`. #}
{% macro window_events(fact, event_date, windows, slides) -%}
    {% if slides -%}
    before as (
        select * from {{ previous(this) }} as state_before
    ),

    -- Persons whose customer numbers were linked or unlinked: what they had before is of other numbers.
    relinked as (
        select distinct person.customer_id
        from link
        full join {{ previous('bridge_identity') }} as link_before on link.customer_id = link_before.customer_id
        cross join lateral (
            values
            (coalesce(link.customer_id, link_before.customer_id)),
            (link.linked_customer_id),
            (link_before.linked_customer_id)
        ) as person (customer_id)
        where
            link.linked_customer_id is distinct from link_before.linked_customer_id
            and person.customer_id is not null
    ),

    -- What this date brought, and what reached or left a window since the date before.
    event as (
        select
            fact.*,
            coalesce(link.linked_customer_id, fact.customer_id) as person_id,
            null::integer as age_days_before
        from {{ current(fact) }} as fact
        left join link on fact.customer_id = link.customer_id
        where coalesce(link.linked_customer_id, fact.customer_id) not in (select relinked.customer_id from relinked)

        union all

        select
            fact.*,
            coalesce(link.linked_customer_id, fact.customer_id) as person_id,
            date '{{ var('previous_date') }}' - fact.{{ event_date }} as age_days_before
        from {{ earlier(fact) }} as fact
        left join link on fact.customer_id = link.customer_id
        where
            (
                fact.{{ event_date }} > date '{{ var('previous_date') }}'
                and fact.{{ event_date }} <= {{ business_date() }}
                {%- for window in windows %}
                or fact.{{ event_date }} > date '{{ var('previous_date') }}' - {{ window }}
                and fact.{{ event_date }} <= {{ business_date() }} - {{ window }}
                {%- endfor %}
            )
            and coalesce(link.linked_customer_id, fact.customer_id) not in (select relinked.customer_id from relinked)

        union all

        select
            fact.*,
            coalesce(link.linked_customer_id, fact.customer_id) as person_id,
            null::integer as age_days_before
        from {{ history(fact) }} as fact
        left join link on fact.customer_id = link.customer_id
        where
            fact.{{ event_date }} > {{ business_date() }} - {{ windows | max | default(1) }}
            and coalesce(link.linked_customer_id, fact.customer_id) in (select relinked.customer_id from relinked)
    ),

    {%- else -%}
    event as (
        select
            fact.*,
            coalesce(link.linked_customer_id, fact.customer_id) as person_id,
            null::integer as age_days_before
        from {{ history(fact) }} as fact
        left join link on fact.customer_id = link.customer_id
    ),

    {%- endif -%}
{%- endmacro %}

{# family_part(family, …) -> sum(measure_1) filter (where filter_2) #}
{% macro family_part(family, measures, filters) -%}
    {%- if family['aggregate'] == 'sum' -%}
        sum(measure_{{ measures.index(family['measure']) + 1 }})
    {%- elif family['aggregate'] == 'count' -%}
        count(*)
    {%- elif family['aggregate'] == 'recency' -%}
        min(age_days)
    {%- else -%}
        {{ exceptions.raise_compiler_error("family " ~ family['name'] ~ ": aggregate " ~ family['aggregate'] ~ " is unknown; use sum, count or recency") }}
    {%- endif -%}
    {%- if family.get('filter') %} filter (where filter_{{ filters.index(family['filter']) + 1 }}){% endif -%}
{%- endmacro %}

{# family_moved(family, 30, 'part_1') -> sum(part_1 * move_30) #}
{% macro family_moved(family, window, part) -%}
    {%- if family['aggregate'] == 'recency' -%}
        min({{ part }}) filter (where move_{{ window }} = 1)
    {%- else -%}
        sum({{ part }} * move_{{ window }})
    {%- endif -%}
{%- endmacro %}

{# family_value(family, 30, slides) -> what it was before, plus what moved #}
{% macro family_value(family, window, slides) -%}
    {%- set name = indicator_name(family, window) -%}
    {%- set before = 'coalesce(before.' ~ name ~ ', 0) + ' if slides else '' -%}
    {%- if family['aggregate'] == 'sum' -%}
        (round(({{ before }}coalesce(moved.{{ name }}, 0)) * 100) / 100 + 0)
    {%- elif family['aggregate'] == 'count' -%}
        ({{ before }}coalesce(moved.{{ name }}, 0))
    {%- elif slides -%}
        least(
            moved.{{ name }},
            case
                when before.{{ name }} + ({{ business_date() }} - date '{{ var('previous_date') }}') < {{ window }}
                    then before.{{ name }} + ({{ business_date() }} - date '{{ var('previous_date') }}')
            end
        )
    {%- else -%}
        moved.{{ name }}
    {%- endif -%}
{%- endmacro %}

{% macro aggregate_type(family) -%}
    {{ 'double precision' if family['aggregate'] == 'sum' else 'integer' }}
{%- endmacro %}
