-- A bank may deliver an instalment when it falls due and again when it is paid: what a delivery adds to what was known
-- can be summed, however often the instalment came. What was known is looked up by the primary key.
with delivered as (
    select *
    from {{ ref('stg_loan__repayment') }}
    where business_date = {{ business_date() }}
),

known as (
    {% if built_before() %}
    select
        delivered.repayment_id,
        before.due_amount,
        before.paid_amount
    from delivered
    left join lateral (
        select
            sum(earlier.due_amount) as due_amount,
            sum(earlier.paid_amount) as paid_amount
        from {{ earlier(this) }} as earlier
        where earlier.repayment_id = delivered.repayment_id
    ) as before on true
    {% else %}
    select
        repayment_id,
        null::numeric as due_amount,
        null::numeric as paid_amount
    from delivered
    {% endif %}
)

select
    delivered.repayment_id,
    delivered.contract_id,
    contract.customer_id,
    delivered.due_date,
    delivered.paid_date,
    (delivered.due_amount - coalesce(known.due_amount, 0))::numeric(18, 2) as due_amount,
    (delivered.paid_amount - coalesce(known.paid_amount, 0))::numeric(18, 2) as paid_amount,
    case
        when delivered.paid_date is not null then greatest(delivered.paid_date - delivered.due_date, 0)
    end as late_days,
    known.due_amount is null as is_first_delivery,
    {{ build_columns() }}
from delivered
inner join known on delivered.repayment_id = known.repayment_id
inner join {{ current('int_loan_contract') }} as contract on delivered.contract_id = contract.contract_id
