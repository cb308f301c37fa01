-- A month end is completed by the first business date on or after it: one that falls between two business dates comes
-- with the later. The first date of all completes every month end since the first balance.
-- depends_on: {{ ref('int_position_balance') }}, {{ ref('int_wealth_position') }}
{%- set goes_on = stands_on_previous('int_position_balance') and stands_on_previous('int_wealth_position') %}
with span as (
    select
        coalesce(
            {{ last_published_date() }} + 1,
            (
                select min(balance.balance_date)
                from {{ ref('stg_core_banking__balance') }} as balance
                where balance.business_date <= {{ business_date() }}
            )
        ) as first_date
),

completed as (
    select (series.month_start + interval '1 month' - interval '1 day')::date as month_end_date
    from span
    inner join lateral generate_series(
        date_trunc('month', span.first_date::timestamp), {{ business_date() }}::timestamp, interval '1 month'
    ) as series (month_start) on true
    where (series.month_start + interval '1 month' - interval '1 day')::date <= {{ business_date() }}
),

-- Balances that may be the last of a month: those known before and today's; without a state before, all of them.
{%- set which = '=' if goes_on else '<=' %}
known as (
    select
        balance.account_id as position_id,
        null as customer_id,
        null as product_id,
        balance.balance_date,
        balance.balance_amount,
        balance.business_date
    from {{ ref('stg_core_banking__balance') }} as balance
    where
        balance.business_date {{ which }} {{ business_date() }}
        and exists (select 1 from completed)

    union all

    select
        position.customer_id || '/' || position.product_id as position_id,
        position.customer_id,
        position.product_id,
        position.position_date as balance_date,
        position.market_value_amount as balance_amount,
        position.business_date
    from {{ ref('stg_wealth__position') }} as position
    where
        position.business_date {{ which }} {{ business_date() }}
        and exists (select 1 from completed)
    {%- if goes_on %}

    union all

    select
        balance.position_id,
        null as customer_id,
        null as product_id,
        balance.balance_date,
        balance.balance_amount,
        balance.business_date
    from {{ previous('int_position_balance') }} as balance
    where
        balance.position_id not like balance.customer_id || '/%'
        and exists (select 1 from completed)

    union all

    select
        position.customer_id || '/' || position.product_id as position_id,
        position.customer_id,
        position.product_id,
        position.position_date as balance_date,
        position.market_value_amount as balance_amount,
        position.business_date
    from {{ previous('int_wealth_position') }} as position
    where exists (select 1 from completed)
    {%- endif %}
),

last_of_month as (
    select distinct on (position_id, month_start)
        position_id,
        customer_id,
        product_id,
        date_trunc('month', balance_date::timestamp) as month_start,
        balance_amount
    from known
    where balance_date <= (select max(completed.month_end_date) from completed)
    order by position_id, month_start, balance_date desc, business_date desc
),

-- It stands until the next month in which it moved.
stood as (
    select
        position_id,
        customer_id,
        product_id,
        balance_amount,
        month_start,
        coalesce(
            lead(month_start) over (
                partition by position_id
                order by month_start
            ),
            'infinity'
        ) as next_month_start
    from last_of_month
),

month_balance as (
    select
        completed.month_end_date,
        stood.position_id,
        stood.customer_id,
        stood.product_id,
        stood.balance_amount
    from stood
    inner join completed
        on
            stood.month_start <= completed.month_end_date
            and stood.next_month_start > completed.month_end_date
),

together as (
    select
        account.customer_id,
        product.product_line,
        completed.month_end_date,
        case
            when product.product_line in ('loan', 'credit_card') then 0
            else coalesce(balance.balance_amount, 0)
        end as balance_amount
    from {{ current('int_account') }} as account
    inner join {{ current('int_product') }} as product on account.product_id = product.product_id
    inner join completed
        on
            account.open_date <= completed.month_end_date
            and completed.month_end_date < coalesce(
                account.close_date, case when account.status = 'closed' then account.effective_date end, 'infinity'
            )
    left join month_balance as balance
        on
            account.account_id = balance.position_id
            and completed.month_end_date = balance.month_end_date

    union all

    select
        balance.customer_id,
        product.product_line,
        balance.month_end_date,
        balance.balance_amount
    from month_balance as balance
    inner join {{ current('int_product') }} as product on balance.product_id = product.product_id
    where balance.balance_amount > 0
)

select
    customer_id,
    product_line,
    month_end_date,
    count(*)::integer as product_count,
    sum(balance_amount)::numeric(18, 2) as balance_amount,
    {{ build_columns() }}
from together
group by customer_id, product_line, month_end_date
