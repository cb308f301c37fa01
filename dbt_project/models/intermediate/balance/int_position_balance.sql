-- before_… is what was known of a position before this business date's files; delivered_date the oldest balance date
-- that these files have for it, null where they don't have it.
with delivered as (
    select distinct on (balance.position_id)
        balance.position_id,
        balance.customer_id,
        balance.balance_date,
        balance.balance_amount,
        min(balance.balance_date) over (partition by balance.position_id) as delivered_date
    from {{ delivered_balances() }} as balance
    where balance.business_date = {{ business_date() }}
    order by balance.position_id, balance.balance_date desc
),

{% if stands_on_previous() -%}
known as (
    select
        position_id,
        customer_id,
        asset_class,
        balance_date,
        balance_amount
    from {{ previous(this) }} as state_before
),

{% else -%}
account_before as (
    select distinct on (account.account_id)
        account.account_id,
        account.customer_id,
        {{ asset_class('product.product_line') }} as asset_class
    from {{ ref('stg_core_banking__account') }} as account
    left join {{ ref('stg_core_banking__product') }} as product
        on
            account.product_id = product.product_id
            and product.business_date = (
                select max(delivery.business_date)
                from {{ ref('stg_core_banking__product') }} as delivery
                where delivery.business_date < {{ business_date() }}
            )
    where account.business_date < {{ business_date() }}
    order by account.account_id, account.effective_date desc, account.business_date desc
),

newest_before as (
    select distinct on (balance.position_id) balance.*
    from {{ delivered_balances() }} as balance
    where balance.business_date < {{ business_date() }}
    order by balance.position_id, balance.balance_date desc, balance.business_date desc
),

known as (
    select
        newest_before.position_id,
        coalesce(account_before.customer_id, newest_before.customer_id) as customer_id,
        coalesce(account_before.asset_class, 'wealth') as asset_class,
        newest_before.balance_date,
        newest_before.balance_amount
    from newest_before
    left join account_before on newest_before.position_id = account_before.account_id
    where
        account_before.asset_class <> 'credit'
        or newest_before.customer_id is not null
),

{% endif -%}

position as (
    select
        coalesce(delivered.position_id, known.position_id) as position_id,
        coalesce(known.customer_id, delivered.customer_id) as customer_id,
        -- What is delivered again for the last known day corrects it.
        greatest(delivered.balance_date, known.balance_date) as balance_date,
        case
            when known.balance_date > delivered.balance_date then known.balance_amount
            else coalesce(delivered.balance_amount, known.balance_amount)
        end as balance_amount,
        delivered.delivered_date,
        known.customer_id as before_customer_id,
        known.asset_class as before_asset_class,
        known.balance_date as before_date,
        known.balance_amount as before_amount
    from delivered
    full join known on delivered.position_id = known.position_id
)

select
    position.position_id,
    coalesce(account.customer_id, position.customer_id) as customer_id,
    coalesce(account.asset_class, 'wealth') as asset_class,
    position.balance_date,
    position.balance_amount,
    position.delivered_date,
    position.before_customer_id,
    position.before_asset_class,
    position.before_date,
    position.before_amount,
    {{ build_columns() }}
from position
left join {{ current('int_account') }} as account on position.position_id = account.account_id
where
    account.asset_class <> 'credit'
    or (account.account_id is null and position.customer_id is not null)
