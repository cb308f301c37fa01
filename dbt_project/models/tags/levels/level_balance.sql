-- Balances of a past day are today's less what moved since.
{%- set lines = ['current', 'savings', 'term_deposit', 'wealth', 'fund', 'insurance'] %}

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

known as (
    select
        population.as_of_date,
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
        population.customer_id
    from {{ current('level_holding') }} as population
    left join held on population.customer_id = held.customer_id
    left join since
        on
            population.as_of_date = since.as_of_date
            and population.customer_id = since.customer_id
    left join line on population.customer_id = line.customer_id
)

{{ levels('known', 'ind_balance') }}
