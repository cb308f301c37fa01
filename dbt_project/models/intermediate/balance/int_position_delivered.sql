select
    balance.account_id as position_id,
    account.customer_id,
    account.asset_class,
    balance.balance_date,
    balance.balance_amount
from {{ ref('stg_core_banking__balance') }} as balance
inner join {{ current('int_account') }} as account on balance.account_id = account.account_id
where
    balance.business_date = {{ business_date() }}
    and account.asset_class <> 'credit'

union all

select
    position.customer_id || '/' || position.product_id as position_id,
    position.customer_id,
    'wealth' as asset_class,
    position.position_date as balance_date,
    position.market_value_amount as balance_amount
from {{ ref('stg_wealth__position') }} as position
where position.business_date = {{ business_date() }}
