{#- Days in several rows are few, which the planner can't know: it would sort all days by them, twice. -#}
{{ config(pre_hook="{% if behaviour_goes_on() %}set local enable_mergejoin = off{% endif %}") }}
{%- set sums = ['out_count', 'out_amount', 'night_count', 'cash_count', 'slice_count'] -%}
{%- set peaks = ['out_count', 'out_amount', 'largest_amount', 'night_count'] -%}
{%- set card = ['card_count', 'card_amount', 'abroad_count'] -%}
{%- set goes_on = behaviour_goes_on() -%}
{%- set read_from = var('previous_date') if goes_on else (var('as_of_dates') or [var('business_date')]) | first -%}
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
        and day.activity_date > date '{{ read_from }}' - 120
),
{% if goes_on %}
{{ relinked_persons() }}

{{ behaviour_moved('known', sums + card, peaks + card) }}

{{ behaviour_left('known', peaks + card) }}
{% endif %}
read_whole as {{ 'not ' if not goes_on }}materialized (
    select known.*
    from known
    {%- if goes_on %}
    inner join own_number
        on
            known.customer_id = own_number.customer_id
            and known.activity_date > own_number.first_day
            and known.activity_date <= own_number.last_day
    {%- endif %}
),

-- Days of which there may be several rows; all others are as they came.
parted as (
    select distinct
        person_id,
        activity_date
    from read_whole
    where is_late or is_linked
),

day as (
    {%- for several in [false, true] %}
    select
        {%- for name in sums + card %}
        {{ 'sum(known.' ~ name ~ ') as ' ~ name if several else 'known.' ~ name }},
        {%- endfor %}
        {{ 'max(known.largest_amount) as largest_amount' if several else 'known.largest_amount' }},
        known.person_id,
        known.activity_date
    from read_whole as known
    left join parted
        on
            known.person_id = parted.person_id
            and known.activity_date = parted.activity_date
    where parted.person_id is {{ 'not ' if several }}null
    {%- if several %}
    group by known.person_id, known.activity_date
    {%- else %}

    union all

    {% endif %}
    {%- endfor %}
),

{{ 'reread' if goes_on else 'behaviour' }} as (
    select
        as_of.as_of_date,
        day.person_id as customer_id,
        {{ recent_and_usual('day', 'activity_date', sums + card, peaks + card) }}
    from {{ as_of_dates() }}
    inner join day on as_of.as_of_date >= day.activity_date and as_of.as_of_date < day.activity_date + 120
    group by as_of.as_of_date, day.person_id
)
{%- if goes_on %},

behaviour as (
    select reread.*
    from reread
    where reread.customer_id in (select anew.person_id from anew)

    union all

    select
        {{ business_date() }} as as_of_date,
        before.customer_id,
        {{ behaviour_slid('before', 'moved', sums + card, peaks + card) }}
    from before
    left join moved on before.customer_id = moved.customer_id
    left join left_peak on before.customer_id = left_peak.person_id
    left join reread on before.customer_id = reread.customer_id
    where before.customer_id not in (select anew.person_id from anew)
)
{%- endif %}

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
