-- What the calendar brings: birthdays, anniversaries, maturities, pay days.
with today as (
    select is_pay_day from {{ current('dim_calendar') }} as calendar
    where calendar_date = {{ business_date() }}
),

matured as (
    select
        customer_id,
        max(maturity_date) as maturity_date
    from {{ current('dim_account') }} as account
    where product_line = 'term_deposit' and maturity_date <= {{ business_date() }}
    group by customer_id
),

-- A card's term of five years is counted from its issue, again and again.
card as (
    select
        customer_id,
        max(mod(
            (
                extract(year from age({{ business_date() }}, issued_date)) * 12
                + extract(month from age({{ business_date() }}, issued_date))
            )::integer, 60
        )) as months_of_term
    from {{ current('dim_card') }} as card_row
    where status = 'active' and issued_date <= {{ business_date() }}
    group by customer_id
),

person as (
    select
        holding.*,
        customer.birth_date,
        booked.days_since_salary,
        extract(year from age({{ business_date() }} - 1, customer.birth_date)) as age_yesterday,
        extract(year from age({{ business_date() }} + 7, customer.birth_date)) as age_in_7_days,
        extract(year from age({{ business_date() }} + 30, customer.birth_date)) as age_in_30_days,
        extract(year from age({{ business_date() }} - 1, customer.open_date)) as years_yesterday,
        extract(year from age({{ business_date() }} + 7, customer.open_date)) as years_in_7_days
    from {{ current('ind_holding') }} as holding
    inner join {{ current('dim_customer_current') }} as customer on holding.customer_id = customer.customer_id
    inner join {{ current('ind_transaction') }} as booked
        on
            holding.customer_id = booked.customer_id
            and holding.as_of_date = booked.as_of_date
    where holding.as_of_date = {{ business_date() }}
)

select
    person.customer_id,
    coalesce(person.age_in_7_days > person.age_yesterday, false) as birthday_soon,
    coalesce(
        person.age_in_30_days > person.age_yesterday and person.age_in_30_days in (18, 30, 40, 50, 60, 70), false
    ) as milestone_birthday_soon,
    person.years_in_7_days > greatest(person.years_yesterday, 0) as anniversary_soon,
    case
        when person.days_to_deposit_maturity is null then 'none'
        when person.days_to_deposit_maturity <= 7 then 'within_7d'
        when person.days_to_deposit_maturity <= 30 then 'within_30d'
        when person.days_to_deposit_maturity <= 90 then 'within_90d'
        else 'later'
    end as deposit_maturity,
    coalesce(matured.maturity_date > {{ business_date() }} - 30, false) as deposit_matured_lately,
    case
        when not {{ delivered('loan.contract') }} then null
        when person.days_to_loan_end is null then 'none'
        when person.days_to_loan_end <= 180 then 'within_180d'
        else 'later'
    end as loan_end,
    case when {{ delivered('card.card') }} then coalesce(card.months_of_term >= 57, false) end as card_renewal_due,
    coalesce(person.days_since_salary <= 45 and today.is_pay_day, false) as pay_day_today,
    case
        when person.days_since_salary is null or person.days_since_salary > 60 then 'none'
        when person.days_since_salary <= 3 then 'arrived'
        when person.days_since_salary <= 27 then 'between'
        when person.days_since_salary <= 33 then 'due'
        else 'late'
    end as salary_state,
    {{ build_columns() }}
from person
cross join today
left join matured on person.customer_id = matured.customer_id
left join card on person.customer_id = card.customer_id
