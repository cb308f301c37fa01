with account as (
    select
        account.customer_id,
        account.product_line,
        account.open_date,
        coalesce(balance.balance_amount, 0) as balance_amount
    from {{ current('int_account') }} as account
    left join {{ current('int_position_balance') }} as balance on account.account_id = balance.position_id
    where account.status <> 'closed'
),

position as (
    select
        balance.customer_id,
        product.product_line,
        balance.balance_date as open_date,
        balance.balance_amount
    from {{ current('int_position_balance') }} as balance
    inner join {{ current('int_product') }} as product
        on balance.position_id = balance.customer_id || '/' || product.product_id
    where balance.balance_amount > 0
),

held as (
    select * from account
    union all
    select * from position
)

select
    customer_id,
    product_line,
    count(*)::integer as product_count,
    min(open_date) as first_open_date,
    sum(balance_amount)::numeric(18, 2) as balance_amount,
    {{ build_columns() }}
from held
group by customer_id, product_line
