-- A bank may deliver an instalment when it falls due and again when it is paid: what a delivery adds to what was known
-- can be summed, however often the instalment came.
select
    delivered.repayment_id,
    delivered.contract_id,
    contract.customer_id,
    delivered.due_date,
    delivered.paid_date,
    (delivered.due_amount - coalesce(known.due_amount, 0))::numeric(18, 2) as due_amount,
    (delivered.paid_amount - coalesce(known.paid_amount, 0))::numeric(18, 2) as paid_amount,
    case when delivered.paid_date is not null then greatest(delivered.paid_date - delivered.due_date, 0) end as late_days,
    known.due_amount is null as is_first_delivery,
    {{ build_columns() }}
from {{ ref('stg_loan__repayment') }} as delivered
inner join {{ current('int_loan_contract') }} as contract on delivered.contract_id = contract.contract_id
-- Looked up by the primary key: history is not read.
left join lateral (
    select
        sum(earlier.due_amount) as due_amount,
        sum(earlier.paid_amount) as paid_amount
    from {{ earlier(this) }} as earlier
    where earlier.repayment_id = delivered.repayment_id
) as known on true
where delivered.business_date = {{ business_date() }}
