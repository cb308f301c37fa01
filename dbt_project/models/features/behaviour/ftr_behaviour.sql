{%- set sums = ['out_count', 'out_amount', 'night_count', 'cash_count', 'slice_count'] -%}
{%- set peaks = ['out_count', 'out_amount', 'largest_amount', 'night_count'] -%}
{%- set card = ['card_count', 'card_amount', 'abroad_count'] -%}
{%- set added = sums + card -%}
-- What a customer did in the 30 days up to the date, beside what was usual in the 90 days before those.
with population as (
    select
        as_of_date,
        customer_id
    from {{ current('ind_holding') }} as holding
),

link as (
    select
        customer_id,
        linked_customer_id
    from {{ state('bridge_identity') }} as identity
),

known as not materialized (
    select
        coalesce(link.linked_customer_id, day.customer_id) as person_id,
        link.customer_id is not null as is_linked,
        day.*
    from {{ history('fct_customer_day') }} as day
    left join link on day.customer_id = link.customer_id
    where
        day.activity_date <= {{ business_date() }}
        and day.activity_date > date '{{ (var('as_of_dates') or [var('business_date')]) | first }}' - 120
),

-- Days of which there may be several rows; all others are as they came.
parted as (
    select distinct
        person_id,
        activity_date
    from known
    where is_late or is_linked
),

day as (
    select
        {%- for name in added %}
        known.{{ name }},
        {%- endfor %}
        known.largest_amount,
        known.person_id,
        known.activity_date
    from known
    left join parted
        on
            known.person_id = parted.person_id
            and known.activity_date = parted.activity_date
    where parted.person_id is null

    union all

    select
        {%- for name in added %}
        sum(known.{{ name }}) as {{ name }},
        {%- endfor %}
        max(known.largest_amount) as largest_amount,
        known.person_id,
        known.activity_date
    from known
    inner join parted
        on
            known.person_id = parted.person_id
            and known.activity_date = parted.activity_date
    group by known.person_id, known.activity_date
),

behaviour as (
    select
        as_of.as_of_date,
        day.person_id as customer_id,
        {{ recent_and_usual('day', 'activity_date', sums + card, peaks + card) }}
    from {{ as_of_dates() }}
    inner join day on as_of.as_of_date >= day.activity_date and as_of.as_of_date < day.activity_date + 120
    group by as_of.as_of_date, day.person_id
)

select
    population.as_of_date,
    population.customer_id,
    {% for name in sums -%}
    coalesce(behaviour.{{ name }}_30d, 0) as {{ name }}_30d,
    coalesce(behaviour.usual_{{ name }}_90d, 0) as usual_{{ name }}_90d,
    {% endfor -%}
    {% for name in peaks -%}
    coalesce(behaviour.busiest_{{ name }}_30d, 0) as busiest_{{ name }}_30d,
    coalesce(behaviour.usual_busiest_{{ name }}_90d, 0) as usual_busiest_{{ name }}_90d,
    {% endfor -%}
    {% for name in card -%}
    {{ if_delivered('card.card_transaction', 'behaviour.' ~ name ~ '_30d') }} as {{ name }}_30d,
    {{ if_delivered('card.card_transaction', 'behaviour.usual_' ~ name ~ '_90d') }} as usual_{{ name }}_90d,
    {{ if_delivered('card.card_transaction', 'behaviour.busiest_' ~ name ~ '_30d') }} as busiest_{{ name }}_30d,
    {{ if_delivered('card.card_transaction', 'behaviour.usual_busiest_' ~ name ~ '_90d') }}
        as usual_busiest_{{ name }}_90d,
    {% endfor -%}
    {{ build_columns() }}
from population
left join behaviour
    on population.as_of_date = behaviour.as_of_date and population.customer_id = behaviour.customer_id
