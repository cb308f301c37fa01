select
    holding.customer_id,
    case
        when not {{ delivered('loan.repayment') }} then null
        when holding.running_loan_count = 0 then 'none'
        when repayment.missed_instalment_count_30d > 0 then 'behind'
        when repayment.missed_instalment_count_365d > 0 then 'was_behind'
        else 'in_order'
    end as loan_state,
    case
        when not {{ delivered('loan.repayment') }} then null
        when repayment.missed_instalment_count_365d = 0 then 'none'
        when repayment.missed_instalment_count_365d = 1 then 'once'
        else 'repeated'
    end as missed_instalments,
    case
        when not {{ delivered('loan.contract') }} then null
        when holding.loan_payment_amount = 0 then 'none'
        when holding.loan_payment_amount * 3 < 0.2 * booked.transaction_in_amount_90d then 'light'
        when holding.loan_payment_amount * 3 < 0.5 * booked.transaction_in_amount_90d then 'middle'
        else 'heavy'
    end as debt_burden,
    case
        when not {{ delivered('loan.contract') }} then null
        when holding.loan_outstanding_amount <= 0 then 'none'
        when holding.loan_outstanding_amount < 50000 then 'small'
        when holding.loan_outstanding_amount < 300000 then 'middle'
        else 'large'
    end as loan_size,
    case
        when not {{ delivered('card.card') }} then null
        when holding.credit_limit_amount = 0 then 'none'
        when holding.credit_limit_amount < 20000 then 'small'
        when holding.credit_limit_amount < 50000 then 'middle'
        else 'large'
    end as credit_limit_size,
    case
        when booked.transaction_out_amount_90d = 0 then 'unknown'
        when balance.deposit_amount * 3 < booked.transaction_out_amount_90d then 'below_1_month'
        when balance.deposit_amount < booked.transaction_out_amount_90d then 'below_3_months'
        when balance.deposit_amount < 4 * booked.transaction_out_amount_90d then 'below_12_months'
        else 'ample'
    end as liquidity_cover,
    booked.penalty_interest_out_count_90d > 0 as pays_penalty_interest,
    {{ build_columns() }}
from {{ current('ind_holding') }} as holding
inner join {{ current('ind_balance') }} as balance
    on
        holding.customer_id = balance.customer_id
        and holding.as_of_date = balance.as_of_date
inner join {{ current('ind_transaction') }} as booked
    on
        holding.customer_id = booked.customer_id
        and holding.as_of_date = booked.as_of_date
inner join {{ current('ind_repayment') }} as repayment
    on
        holding.customer_id = repayment.customer_id
        and holding.as_of_date = repayment.as_of_date
where holding.as_of_date = {{ business_date() }}
