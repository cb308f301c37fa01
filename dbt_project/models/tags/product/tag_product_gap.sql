-- What would suit the customer and is not held.
with gap as (
    select
        holding.customer_id,
        coalesce(booked.days_since_salary <= 45, false)
        and coalesce(extract(year from age({{ business_date() }}, customer.birth_date)) between 20 and 64, false)
        and holding.credit_card_holding_count = 0 as lacks_credit_card,
        balance.current_balance_amount + balance.savings_balance_amount >= 20000
        and holding.term_deposit_holding_count = 0 as lacks_term_deposit,
        balance.aum_amount >= 50000
        and holding.wealth_holding_count = 0 as lacks_wealth,
        holding.wealth_holding_count > 0
        and holding.fund_holding_count = 0 as lacks_fund,
        coalesce(extract(year from age({{ business_date() }}, customer.birth_date)) between 30 and 59, false)
        and coalesce(customer.marital_status = 'married', false)
        and holding.insurance_holding_count = 0 as lacks_insurance,
        coalesce(extract(year from age({{ business_date() }}, customer.birth_date)) between 25 and 54, false)
        and booked.transaction_in_amount_90d >= 18000
        and holding.running_loan_count = 0 as lacks_loan,
        booked.household_out_amount_90d > 0
        and holding.standing_order_count = 0 as lacks_standing_order,
        coalesce(extract(year from age({{ business_date() }}, customer.birth_date)) < 65, false)
        and session.days_since_session is null as lacks_mobile_bank
    from {{ current('ind_holding') }} as holding
    inner join {{ current('dim_customer_current') }} as customer on holding.customer_id = customer.customer_id
    inner join {{ current('ind_balance') }} as balance
        on
            holding.customer_id = balance.customer_id
            and holding.as_of_date = balance.as_of_date
    inner join {{ current('ind_transaction') }} as booked
        on
            holding.customer_id = booked.customer_id
            and holding.as_of_date = booked.as_of_date
    inner join {{ current('ind_session') }} as session
        on
            holding.customer_id = session.customer_id
            and holding.as_of_date = session.as_of_date
    where holding.as_of_date = {{ business_date() }}
)

select
    customer_id,
    lacks_credit_card,
    lacks_term_deposit,
    case when {{ delivered('wealth.position') }} then lacks_wealth end as lacks_wealth,
    case when {{ delivered('wealth.position') }} then lacks_fund end as lacks_fund,
    case when {{ delivered('wealth.position') }} then lacks_insurance end as lacks_insurance,
    case when {{ delivered('loan.contract') }} then lacks_loan end as lacks_loan,
    case when {{ delivered('core_banking.standing_order') }} then lacks_standing_order end as lacks_standing_order,
    case when {{ delivered('mobile.session') }} then lacks_mobile_bank end as lacks_mobile_bank,
    case
        when {{ delivered('wealth.position') }} and lacks_wealth then 'wealth'
        when lacks_term_deposit then 'term_deposit'
        when {{ delivered('wealth.position') }} and lacks_fund then 'fund'
        when lacks_credit_card then 'credit_card'
        when {{ delivered('loan.contract') }} and lacks_loan then 'loan'
        when {{ delivered('wealth.position') }} and lacks_insurance then 'insurance'
        else 'none'
    end as first_gap,
    {{ build_columns() }}
from gap
