-- As known on the date that completed the month: a later correction of a balance is in fct_balance_daily.
-- depends_on: {{ ref('int_position_balance') }}, {{ ref('int_wealth_position') }}
with completed as (
    select * from {{ completed_month_ends() }} as month_end
),

month_balance as (
    select * from {{ month_end_balances('completed') }} as balance
),

account as (
    select
        account.customer_id,
        product.product_line,
        completed.month_end_date,
        case
            when product.product_line in ('loan', 'credit_card') then 0
            else coalesce(month_balance.balance_amount, 0)
        end as balance_amount
    from {{ current('int_account') }} as account
    inner join {{ current('int_product') }} as product on account.product_id = product.product_id
    inner join completed
        on
            account.open_date <= completed.month_end_date
            and coalesce(
                account.close_date, case when account.status = 'closed' then account.effective_date end, 'infinity'
            ) > completed.month_end_date
    left join month_balance
        on
            account.account_id = month_balance.position_id
            and completed.month_end_date = month_balance.month_end_date
),

position as (
    select
        month_balance.customer_id,
        product.product_line,
        month_balance.month_end_date,
        month_balance.balance_amount
    from month_balance
    inner join {{ current('int_product') }} as product on month_balance.product_id = product.product_id
    where month_balance.balance_amount > 0
),

together as (
    select * from account
    union all
    select * from position
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
