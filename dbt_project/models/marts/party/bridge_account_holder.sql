-- Insert-only, as dim_customer.
with delivered as (
    select
        account_id,
        customer_id,
        holder_role,
        effective_date
    from {{ ref('stg_core_banking__account_holder') }}
    where business_date = {{ business_date() }}
),

known as (
    {% if built_before() %}
    select distinct on (account_id, customer_id)
        account_id,
        customer_id,
        holder_role
    from {{ earlier(this) }} as version
    order by account_id, customer_id, effective_date desc, business_date desc
    {% else %}
    select
        account_id,
        customer_id,
        holder_role
    from delivered
    where false
    {% endif %}
)

select
    delivered.*,
    {{ build_columns() }}
from delivered
left join known
    on
        delivered.account_id = known.account_id
        and delivered.customer_id = known.customer_id
where known.holder_role is distinct from delivered.holder_role
