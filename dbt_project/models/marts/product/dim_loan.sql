with repaid as (
    {% if stands_on_previous() %}
    select
        contract_id,
        sum(paid_amount) as paid_amount,
        min(first_due_date) as first_due_date
    from (
        select
            contract_id,
            paid_amount,
            first_due_date
        from {{ previous(this) }} as before

        union all

        select
            contract_id,
            paid_amount,
            due_date as first_due_date
        from {{ current('fct_repayment') }} as today
    ) as known
    group by contract_id
    {% else %}
    select
        contract_id,
        sum(paid_amount) as paid_amount,
        min(due_date) as first_due_date
    from {{ history('fct_repayment') }} as known
    group by contract_id
    {% endif %}
),

loan as (
    select
        contract.*,
        repaid.first_due_date,
        coalesce(repaid.paid_amount, 0)::numeric(18, 2) as paid_amount,
        coalesce(link.linked_customer_id, contract.customer_id) as person_id,
        -- Instalments fall due from the month after the drawdown. What was due before the first one delivered is
        -- taken as paid; without any delivered, what was due before this month.
        date_trunc('month', coalesce(repaid.first_due_date, {{ business_date() }})::timestamp) as known_month,
        date_trunc('month', contract.start_date::timestamp) as start_month
    from {{ current('int_loan_contract') }} as contract
    left join repaid on contract.contract_id = repaid.contract_id
    left join {{ current('bridge_identity') }} as link on contract.customer_id = link.customer_id
),

scheduled as (
    select
        loan.*,
        greatest(
            (extract(year from loan.known_month) - extract(year from loan.start_month)) * 12
            + extract(month from loan.known_month) - extract(month from loan.start_month) - 1,
            0
        ) as earlier_count
    from loan
)

select
    contract_id,
    account_id,
    person_id as customer_id,
    product_id,
    start_date,
    (start_date + make_interval(months => term_months))::date as end_date,
    principal_amount,
    term_months,
    payment_amount,
    status,
    first_due_date,
    paid_amount,
    case
        when status = 'finished' then 0
        else greatest((term_months - earlier_count) * payment_amount - paid_amount, 0)
    end::numeric(18, 2) as outstanding_amount,
    {{ build_columns() }}
from scheduled
