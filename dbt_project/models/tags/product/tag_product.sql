with account as (
    select
        customer_id,
        (array_agg(product_line order by open_date desc, account_id desc))[1] as newest_product_line
    from {{ current('dim_account') }} as account_row
    where open_date <= {{ business_date() }}
    group by customer_id
)

select
    holding.customer_id,
    case
        when holding.product_line_count = 0 then 'none'
        when holding.product_line_count = 1 then 'single'
        when holding.product_line_count < 4 then 'several'
        else 'many'
    end as product_breadth,
    holding.savings_holding_count > 0 as has_savings,
    holding.term_deposit_holding_count > 0 as has_term_deposit,
    case when {{ delivered('wealth.position') }} then holding.fund_holding_count > 0 end as has_fund,
    case when {{ delivered('wealth.position') }} then holding.insurance_holding_count > 0 end as has_insurance,
    holding.credit_card_holding_count > 0 as has_credit_card,
    case when {{ delivered('loan.contract') }} then holding.running_loan_count > 0 end as has_loan,
    case
        when not {{ delivered('core_banking.standing_order') }} then null
        when holding.standing_order_count = 0 then 'none'
        when holding.standing_order_count = 1 then 'one'
        else 'several'
    end as standing_orders,
    case
        when balance.aum_amount <= 0 then 'none'
        when balance.wealth_amount > balance.deposit_amount then 'investment'
        when balance.term_deposit_balance_amount >= 0.5 * balance.deposit_amount then 'term_deposit'
        when balance.savings_balance_amount >= balance.current_balance_amount then 'savings'
        else 'current'
    end as main_product_group,
    coalesce(account.newest_product_line, 'none') as newest_product_line,
    case
        when balance.term_deposit_balance_amount <= 0 then 'none'
        when balance.term_deposit_balance_amount < 0.3 * balance.deposit_amount then 'low'
        when balance.term_deposit_balance_amount < 0.7 * balance.deposit_amount then 'middle'
        else 'high'
    end as term_deposit_share,
    coalesce(holding.days_since_account_opened < 90, false) as opened_account_lately,
    coalesce(holding.days_since_account_closed < 90, false) as closed_account_lately,
    {{ build_columns() }}
from {{ current('ind_holding') }} as holding
inner join {{ current('ind_balance') }} as balance
    on
        holding.customer_id = balance.customer_id
        and holding.as_of_date = balance.as_of_date
left join account on holding.customer_id = account.customer_id
where holding.as_of_date = {{ business_date() }}
