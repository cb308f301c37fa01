with product as (
    select
        product_id,
        product_line,
        case
            when product_line in ('current', 'savings', 'term_deposit') then 'deposit'
            when product_line in ('wealth', 'fund', 'insurance') then 'wealth'
            else 'credit'
        end as asset_class
    from {{ current('int_product') }} as product_state
),

version as (
    select
        account.account_id,
        account.customer_id,
        account.product_id,
        product.product_line,
        product.asset_class,
        account.branch_id,
        account.open_date,
        account.close_date,
        account.maturity_date,
        account.status,
        account.effective_date,
        1 as is_delivered
    from {{ ref('stg_core_banking__account') }} as account
    left join product on account.product_id = product.product_id
    where account.business_date = {{ business_date() }}
    {% if stands_on_previous() %}

    union all

    select
        account_id,
        customer_id,
        product_id,
        product_line,
        asset_class,
        branch_id,
        open_date,
        close_date,
        maturity_date,
        status,
        effective_date,
        0 as is_delivered
    from {{ previous(this) }} as state
    {% endif %}
)

select distinct on (account_id)
    account_id,
    customer_id,
    product_id,
    product_line,
    asset_class,
    branch_id,
    open_date,
    close_date,
    maturity_date,
    status,
    effective_date,
    {{ build_columns() }}
from version
order by account_id, effective_date desc, is_delivered desc
