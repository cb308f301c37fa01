-- What a customer's days come to: whoever looks back over months reads days, not payments. A day of which more comes
-- with a later file has a row of each: they add up.
{%- set moved = ['out_count', 'out_amount', 'largest_amount', 'night_count', 'cash_count', 'slice_count'] %}
{%- set paid = ['card_count', 'card_amount', 'abroad_count'] %}
{%- set brought = current if built_before() else history %}
with moved as (
    select
        booked.customer_id,
        booked.transaction_date as activity_date,
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
    from {{ brought('fct_transaction') }} as booked
    group by booked.customer_id, booked.transaction_date
),

paid as (
    select
        payment.customer_id,
        payment.transaction_date as activity_date,
        count(*) as card_count,
        sum(payment.amount) as card_amount,
        count(*) filter (where payment.is_abroad) as abroad_count
    from {{ brought('fct_card_transaction') }} as payment
    group by payment.customer_id, payment.transaction_date
)

select
    customer_id,
    activity_date,
    {{ 'coalesce(activity_date <= ' ~ last_published_date() ~ ', false)' if built_before() else 'false' }} as is_late,
    {%- for name in moved %}
    {%- set type = 'integer' if name.endswith('_count') else 'numeric(18, 2)' %}
    coalesce(moved.{{ name }}, 0)::{{ type }} as {{ name }},
    {%- endfor %}
    {%- for name in paid %}
    {%- set type = 'integer' if name.endswith('_count') else 'numeric(18, 2)' %}
    {{ if_delivered('card.card_transaction', 'paid.' ~ name) }}::{{ type }} as {{ name }},
    {%- endfor %}
    {{ build_columns() }}
from moved
full join paid using (customer_id, activity_date) -- noqa: ST07
