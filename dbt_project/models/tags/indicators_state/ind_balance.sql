-- Balances of a past day are today's less what moved since; averages follow from the flows and their moments.
{%- set lines = ['current', 'savings', 'term_deposit', 'wealth', 'fund', 'insurance'] %}
{%- set averaged = {'aum': [30, 60, 90, 180, 365], 'deposit': [30, 60, 90, 180, 365], 'wealth': [30, 90, 180, 365]} %}
{%- set changed = {'aum': [7, 30, 60, 90, 180, 365], 'deposit': [7, 30, 60, 90, 180, 365], 'wealth': [30, 90, 365]} %}

with held as (
    select
        customer_id,
        coalesce(sum(balance_amount) filter (where asset_class = 'deposit'), 0) as deposit_amount,
        coalesce(sum(balance_amount) filter (where asset_class = 'wealth'), 0) as wealth_amount
    from {{ state('fct_balance_current') }} as balance
    group by customer_id
),

since as (
    select
        as_of.as_of_date,
        coalesce(link.linked_customer_id, balance.customer_id) as customer_id,
        coalesce(sum(balance.change_amount) filter (where balance.asset_class = 'deposit'), 0) as deposit_amount,
        coalesce(sum(balance.change_amount) filter (where balance.asset_class = 'wealth'), 0) as wealth_amount
    from {{ as_of_dates() }}
    inner join {{ history('fct_balance_daily') }} as balance
        on
            as_of.as_of_date < balance.balance_date
            -- A daily build looks at its own date, after which nothing moved.
            and as_of.as_of_date < {{ business_date() }}
    left join {{ state('bridge_identity') }} as link on balance.customer_id = link.customer_id
    group by as_of.as_of_date, coalesce(link.linked_customer_id, balance.customer_id)
),

line as (
    select
        {%- for line in lines %}
        sum(balance_amount) filter (where product_line = '{{ line }}') as {{ line }}_balance_amount,
        {%- endfor %}
        customer_id
    from {{ state('fct_holding_current') }} as holding
    group by customer_id
),

stood as (
    select
        {%- for class in ['deposit', 'wealth'] %}
        (coalesce(held.{{ class }}_amount, 0) - coalesce(since.{{ class }}_amount, 0))::double precision
            as {{ class }}_amount,
        {%- endfor %}
        (
            coalesce(held.deposit_amount + held.wealth_amount, 0)
            - coalesce(since.deposit_amount + since.wealth_amount, 0)
        )::double precision as aum_amount,
        {%- for line in lines %}
        coalesce(line.{{ line }}_balance_amount, 0) as {{ line }}_balance_amount,
        {%- endfor %}
        flow.*
    from {{ current('ind_flow') }} as flow
    left join held on flow.customer_id = held.customer_id
    left join since
        on
            flow.as_of_date = since.as_of_date
            and flow.customer_id = since.customer_id
    left join line on flow.customer_id = line.customer_id
),

known as (
    select
        {%- for class, windows in averaged.items() %}
        {%- for window in windows %}
        -- A change on the window's k-th day was missing on the k − 1 days before it.
        round((
            stood.{{ class }}_amount - (
                stood.{{ class }}_moment_{{ window }}d
                - stood.{{ class }}_net_amount_{{ window }}d * (stood.as_of_date - {{ window - 1 }} - date '2020-01-01')
            ) / {{ window }}
        ) * 100) / 100 + 0 as {{ class }}_average_amount_{{ window }}d,
        {%- endfor %}
        {%- endfor %}
        {%- for class, windows in changed.items() %}
        {%- for window in windows %}
        stood.{{ class }}_net_amount_{{ window }}d
        / nullif(abs(round((stood.{{ class }}_amount - stood.{{ class }}_net_amount_{{ window }}d) * 100) / 100), 0)
            as {{ class }}_change_rate_{{ window }}d,
        {%- endfor %}
        {%- endfor %}
        stood.*
    from stood
)

{{ levels('known') }}
