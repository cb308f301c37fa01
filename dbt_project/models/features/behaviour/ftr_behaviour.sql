{%- set sums = ['out_count', 'out_amount', 'night_count', 'cash_count', 'slice_count'] -%}
{%- set peaks = ['out_count', 'out_amount', 'largest_amount', 'night_count'] -%}
{%- set card = ['card_count', 'card_amount', 'abroad_count'] -%}
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

moved as (
    select
        coalesce(link.linked_customer_id, booked.customer_id) as customer_id,
        booked.transaction_date as moved_date,
        count(*) filter (where booked.direction = 'out') as out_count,
        sum(booked.amount) filter (where booked.direction = 'out') as out_amount,
        max(booked.amount) filter (where booked.direction = 'out') as largest_amount,
        count(*) filter (
            where booked.direction = 'out'
            and booked.channel in ('mobile', 'web')
            and extract(hour from booked.transaction_at at time zone '{{ var('timezone') }}') not between 5 and 21
        ) as night_count,
        count(*) filter (where booked.direction = 'in' and booked.purpose = 'cash') as cash_count,
        count(*) filter (
            where booked.direction = 'in'
            and booked.purpose = 'cash'
            and booked.amount < {{ var('cash_report_amount') | float }}
            and booked.amount >= {{ var('cash_report_amount') | float }} * 0.8
        ) as slice_count
    from {{ history('fct_transaction') }} as booked
    left join link on booked.customer_id = link.customer_id
    where
        booked.transaction_date <= {{ business_date() }}
        and booked.transaction_date > date '{{ (var('as_of_dates') or [var('business_date')]) | first }}' - 120
    group by coalesce(link.linked_customer_id, booked.customer_id), booked.transaction_date
),

paid as (
    select
        coalesce(link.linked_customer_id, payment.customer_id) as customer_id,
        payment.transaction_date as paid_date,
        count(*) as card_count,
        sum(payment.amount) as card_amount,
        count(*) filter (where payment.is_abroad) as abroad_count
    from {{ history('fct_card_transaction') }} as payment
    left join link on payment.customer_id = link.customer_id
    where
        payment.transaction_date <= {{ business_date() }}
        and payment.transaction_date > date '{{ (var('as_of_dates') or [var('business_date')]) | first }}' - 120
    group by coalesce(link.linked_customer_id, payment.customer_id), payment.transaction_date
),

movement as (
    select
        as_of.as_of_date,
        moved.customer_id,
        {{ recent_and_usual('moved', 'moved_date', sums, peaks) }}
    from {{ as_of_dates() }}
    inner join moved on as_of.as_of_date >= moved.moved_date and as_of.as_of_date < moved.moved_date + 120
    group by as_of.as_of_date, moved.customer_id
),

payment as (
    select
        as_of.as_of_date,
        paid.customer_id,
        {{ recent_and_usual('paid', 'paid_date', card, card) }}
    from {{ as_of_dates() }}
    inner join paid on as_of.as_of_date >= paid.paid_date and as_of.as_of_date < paid.paid_date + 120
    group by as_of.as_of_date, paid.customer_id
)

select
    population.as_of_date,
    population.customer_id,
    {% for name in sums -%}
    coalesce(movement.{{ name }}_30d, 0) as {{ name }}_30d,
    coalesce(movement.usual_{{ name }}_90d, 0) as usual_{{ name }}_90d,
    {% endfor -%}
    {% for name in peaks -%}
    coalesce(movement.busiest_{{ name }}_30d, 0) as busiest_{{ name }}_30d,
    coalesce(movement.usual_busiest_{{ name }}_90d, 0) as usual_busiest_{{ name }}_90d,
    {% endfor -%}
    {% for name in card -%}
    {{ if_delivered('card.card_transaction', 'payment.' ~ name ~ '_30d') }} as {{ name }}_30d,
    {{ if_delivered('card.card_transaction', 'payment.usual_' ~ name ~ '_90d') }} as usual_{{ name }}_90d,
    {{ if_delivered('card.card_transaction', 'payment.busiest_' ~ name ~ '_30d') }} as busiest_{{ name }}_30d,
    {{ if_delivered('card.card_transaction', 'payment.usual_busiest_' ~ name ~ '_90d') }}
        as usual_busiest_{{ name }}_90d,
    {% endfor -%}
    {{ build_columns() }}
from population
left join movement
    on population.as_of_date = movement.as_of_date and population.customer_id = movement.customer_id
left join payment
    on population.as_of_date = payment.as_of_date and population.customer_id = payment.customer_id
