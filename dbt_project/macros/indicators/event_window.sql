{# Which events move the windows of a date. #}

{# window_events('fct_transaction', 'transaction_date', [30, 90], true) -> common table expressions `event`: the rows of the
   fact with person_id and age_days_before, the age that the date before has counted already (null: it has not).
   Where windows slide, also `relinked`. #}
{% macro window_events(fact, event_date, windows, slides) -%}
    {% if slides -%}
    {{ relinked_persons() }}

    -- Their customer numbers, by which a fact is looked up and not read through.
    relinked_number as (
        select
            relinked.customer_id as person_id,
            relinked.customer_id
        from relinked
        where relinked.customer_id not in (select link.customer_id from link)

        union all

        select
            link.linked_customer_id as person_id,
            link.customer_id
        from link
        inner join relinked on link.linked_customer_id = relinked.customer_id
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
            relinked_number.person_id,
            null::integer as age_days_before
        from relinked_number
        inner join {{ history(fact) }} as fact on relinked_number.customer_id = fact.customer_id
        where fact.{{ event_date }} > {{ business_date() }} - {{ windows | max | default(1) }}
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

{# relinked_persons() -> a common table expression `relinked`, beside one `link`: persons whose customer numbers were
   linked or unlinked since the date before. What they had then is of other numbers. #}
{% macro relinked_persons() -%}
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
{%- endmacro %}
