with account as (
    select
        account.customer_id,
        account.product_line,
        account.open_date,
        case when account.asset_class = 'credit' then 0 else coalesce(balance.balance_amount, 0) end as balance_amount
    from {{ current('dim_account') }} as account
    left join {{ current('int_position_balance') }} as balance on account.account_id = balance.position_id
    where account.status <> 'closed'
),

position as (
    select
        coalesce(link.linked_customer_id, held.customer_id) as customer_id,
        product.product_line,
        held.first_date as open_date,
        held.market_value_amount as balance_amount
    from {{ current('int_wealth_position') }} as held
    inner join {{ current('int_product') }} as product on held.product_id = product.product_id
    left join {{ current('bridge_identity') }} as link on held.customer_id = link.customer_id
    where held.market_value_amount > 0
),

together as (
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
from together
group by customer_id, product_line
