{# What the bank assumes to earn, spend and lose: seeds/margin_assumption.csv. #}

{# margin_assumptions() -> [('deposit_spread', 'current'), …, ('discount_rate', none)]: what the seed has to hold #}
{% macro margin_assumptions() -%}
    {{ return([
        ('deposit_spread', 'current'), ('deposit_spread', 'savings'), ('deposit_spread', 'term_deposit'),
        ('management_fee', 'wealth'), ('management_fee', 'fund'), ('management_fee', 'insurance'),
        ('sales_fee', 'wealth'), ('sales_fee', 'fund'), ('sales_fee', 'insurance'), ('loan_spread', 'loan'),
        ('interchange_debit', none), ('interchange_credit', none), ('revolving_margin', none),
        ('account_cost', none), ('counter_cost', none), ('call_cost', none), ('visit_cost', none),
        ('loan_loss', none), ('arrears_loss', none), ('card_loss', none), ('discount_rate', none),
    ]) }}
{%- endmacro %}

{# assumed('deposit_spread', 'current') -> its rate in the CTE `assumption`, of the month it is grouped by #}
{% macro assumed(component, product_line=none) -%}
    max(rate) filter (where component = '{{ component }}'
    {%- if product_line %} and product_line = '{{ product_line }}'{% endif %})
{%- endmacro %}

{# every_margin_assumption_is_there: nothing that a margin is made of is missing on the business date. #}
{% test every_margin_assumption_is_there(model) %}
    select
        needed.component,
        needed.product_line
    from (
        values
        {%- for component, product_line in margin_assumptions() %}
        ('{{ component }}', {{ "'" ~ product_line ~ "'" if product_line else "null::text" }})
        {{- "," if not loop.last }}
        {%- endfor %}
    ) as needed (component, product_line)
    left join {{ model }} as known
        on
            needed.component = known.component
            and needed.product_line is not distinct from known.product_line
            and known.effective_date <= {{ business_date() }}
            and known.rate is not null
    where known.component is null
{% endtest %}

{# principal_owed() -> (customer_id, month_end_date, loan_amount, late_amount) at the month ends of the CTE `completed`:
   what an annuity leaves of the principal, from the month of the drawdown to the one before the last instalment #}
{% macro principal_owed() -%}
    (
    select
        loan.customer_id,
        completed.month_end_date,
        sum(loan.left_amount) as loan_amount,
        coalesce(sum(loan.left_amount) filter (where loan.is_late), 0) as late_amount
    from completed
    inner join lateral (
        select
            contract.customer_id,
            contract.status = 'running_arrears' as is_late,
            contract.principal_amount * case
                when contract.monthly_rate > 0
                    then
                        (power(1 + contract.monthly_rate, contract.term_months) - power(1 + contract.monthly_rate, contract.age))
                        / (power(1 + contract.monthly_rate, contract.term_months) - 1)
                else 1 - contract.age / contract.term_months
            end as left_amount
        from (
            select
                known.*,
                coalesce(product.interest_rate, 0)::double precision / 12 as monthly_rate,
                (
                    (extract(year from completed.month_end_date) - extract(year from known.start_date)) * 12
                    + extract(month from completed.month_end_date) - extract(month from known.start_date)
                )::double precision as age
            from {{ current('dim_loan') }} as known
            left join {{ current('dim_product') }} as product on known.product_id = product.product_id
            where
                known.status in ('running', 'running_arrears')
                and known.start_date <= completed.month_end_date
        ) as contract
        where contract.age < contract.term_months
    ) as loan on true
    group by loan.customer_id, completed.month_end_date
    )
{%- endmacro %}

{# margin_events() -> (kind, customer_id, happened_date, amount): one list of what happened in the months of the CTE
   `span`, nothing being read where the CTE `completed` is empty #}
{% macro margin_events() -%}
    (
    select
        'sale_' || ordered.product_line as kind,
        ordered.customer_id,
        ordered.ordered_date as happened_date,
        ordered.amount
    from {{ history('fct_wealth_order') }} as ordered
    where
        exists (select 1 from completed)
        and ordered.side = 'subscribe'
        and ordered.ordered_date > (select span.after_date from span)
        and ordered.ordered_date <= (select span.last_date from span)

    union all

    select
        'card_' || card.card_type as kind,
        payment.customer_id,
        payment.transaction_date as happened_date,
        payment.amount
    from {{ history('fct_card_transaction') }} as payment
    inner join {{ current('dim_card') }} as card on payment.card_id = card.card_id
    where
        exists (select 1 from completed)
        and payment.transaction_date > (select span.after_date from span)
        and payment.transaction_date <= (select span.last_date from span)

    union all

    select
        'counter' as kind,
        booked.customer_id,
        booked.transaction_date as happened_date,
        0 as amount
    from {{ history('fct_transaction') }} as booked
    where
        exists (select 1 from completed)
        and booked.channel = 'branch'
        and booked.transaction_date > (select span.after_date from span)
        and booked.transaction_date <= (select span.last_date from span)

    union all

    select
        case when served.interaction_kind = 'visit' then 'visit' else 'call' end as kind,
        served.customer_id,
        served.interaction_date as happened_date,
        0 as amount
    from {{ history('fct_interaction') }} as served
    where
        exists (select 1 from completed)
        and served.interaction_date > (select span.after_date from span)
        and served.interaction_date <= (select span.last_date from span)
    )
{%- endmacro %}
