-- A training build looks back to month ends: what only the present day knows is null there (see levels()).
-- depends_on: {{ ref('fct_holding') }}
{%- set loans = ['running_loan_count', 'loan_principal_amount', 'loan_outstanding_amount', 'loan_payment_amount'] %}

with as_of as (
    select * from {{ as_of_dates() }}
),

account as (
    select
        as_of.as_of_date,
        account.customer_id,
        account.product_line,
        account.status,
        account.open_date,
        account.close_date,
        account.maturity_date,
        as_of.as_of_date < coalesce(account.close_date, 'infinity') as is_open
    from as_of
    inner join {{ state('dim_account') }} as account on as_of.as_of_date >= account.open_date
),

accounts as (
    select
        as_of_date,
        customer_id,
        count(*) filter (where is_open) as account_count,
        count(distinct product_line) filter (where is_open) as product_line_count,
        count(*) filter (where not is_open) as closed_account_count,
        count(*) filter (where is_open and status = 'dormant') as dormant_account_count,
        min(as_of_date - open_date) filter (where is_open) as days_since_account_opened,
        min(as_of_date - close_date) filter (where not is_open) as days_since_account_closed,
        min(maturity_date - as_of_date) filter (
            where is_open and product_line = 'term_deposit' and maturity_date >= as_of_date
        ) as days_to_deposit_maturity
    from account
    group by as_of_date, customer_id
),

holding as (
    select
        {{ business_date() }} as as_of_date,
        customer_id,
        product_line,
        product_count,
        {{ business_date() }} - first_open_date as held_days
    from {{ state('fct_holding_current') }} as present
    {%- if var('build_kind', 'daily') == 'training' %}

    union all

    select
        past.month_end_date as as_of_date,
        coalesce(link.linked_customer_id, past.customer_id) as customer_id,
        past.product_line,
        past.product_count,
        null as held_days
    from {{ history('fct_holding') }} as past
    left join {{ state('bridge_identity') }} as link on past.customer_id = link.customer_id
    where past.month_end_date < {{ business_date() }}
    {%- endif %}
),

held as (
    select
        as_of_date,
        customer_id,
        {%- for line in ['savings', 'term_deposit', 'wealth', 'fund', 'insurance', 'credit_card'] %}
        coalesce(sum(product_count) filter (where product_line = '{{ line }}'), 0) as {{ line }}_holding_count,
        max(held_days) filter (where product_line = '{{ line }}') as {{ line }}_holding_days,
        {%- endfor %}
        count(distinct product_line) as held_line_count
    from holding
    where product_count > 0
    group by as_of_date, customer_id
),

card as (
    select
        customer_id,
        count(*) filter (where status = 'active') as card_count,
        count(*) filter (where status = 'active' and card_level in ('gold', 'platinum')) as premium_card_count,
        sum(credit_limit_amount) filter (where status = 'active') as credit_limit_amount,
        {{ business_date() }} - max(issued_date) as days_since_card_issued
    from {{ state('dim_card') }} as card
    where issued_date <= {{ business_date() }}
    group by customer_id
),

loan as (
    select
        customer_id,
        count(*) as running_loan_count,
        sum(principal_amount) as loan_principal_amount,
        sum(outstanding_amount) as loan_outstanding_amount,
        sum(payment_amount) as loan_payment_amount,
        max(end_date) - {{ business_date() }} as days_to_loan_end
    from {{ state('dim_loan') }} as loan
    where status in ('running', 'running_arrears')
    group by customer_id
),

standing_order as (
    select
        customer_id,
        count(*) as standing_order_count,
        sum(amount) as standing_order_amount
    from {{ state('dim_standing_order') }} as standing_order
    where is_active
    group by customer_id
),

assessment as (
    select distinct on (customer_id)
        coalesce(link.linked_customer_id, assessed.customer_id) as customer_id,
        assessed.risk_level as assessed_risk_level,
        {{ business_date() }} - assessed.assessed_date as days_since_risk_assessment
    from {{ history('fct_risk_assessment') }} as assessed
    left join {{ state('bridge_identity') }} as link on assessed.customer_id = link.customer_id
    where assessed.assessed_date <= {{ business_date() }}
    order by customer_id, assessed.assessed_date desc, assessed.assessment_id desc
),

manager as (
    select
        customer_id,
        {{ business_date() }} - effective_date as days_with_manager
    from {{ state('bridge_customer_manager_current') }} as manager
),

known as (
    select
        as_of.as_of_date,
        customer.customer_id,
        as_of.as_of_date - customer.open_date as tenure_days,
        accounts.days_since_account_opened,
        accounts.days_since_account_closed,
        accounts.days_to_deposit_maturity,
        {%- for name in ['account_count', 'product_line_count', 'closed_account_count', 'dormant_account_count'] %}
        coalesce(accounts.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        {%- for line in ['savings', 'term_deposit', 'wealth', 'fund', 'insurance', 'credit_card'] %}
        coalesce(held.{{ line }}_holding_count, 0) as {{ line }}_holding_count,
        held.{{ line }}_holding_days,
        {%- endfor %}
        coalesce(held.held_line_count, 0) as held_line_count,
        {%- for name in ['card_count', 'premium_card_count', 'credit_limit_amount'] %}
        {{ if_delivered('card.card', 'card.' ~ name) }} as {{ name }},
        {%- endfor %}
        card.days_since_card_issued,
        {%- for name in loans %}
        {{ if_delivered('loan.contract', 'loan.' ~ name) }} as {{ name }},
        {%- endfor %}
        loan.days_to_loan_end,
        {%- for name in ['standing_order_count', 'standing_order_amount'] %}
        {{ if_delivered('core_banking.standing_order', 'standing_order.' ~ name) }} as {{ name }},
        {%- endfor %}
        assessment.assessed_risk_level,
        assessment.days_since_risk_assessment,
        manager.days_with_manager
    from as_of
    inner join {{ state('dim_customer_current') }} as customer on as_of.as_of_date >= customer.open_date
    left join accounts
        on
            as_of.as_of_date = accounts.as_of_date
            and customer.customer_id = accounts.customer_id
    left join held
        on
            as_of.as_of_date = held.as_of_date
            and customer.customer_id = held.customer_id
    left join card on customer.customer_id = card.customer_id
    left join loan on customer.customer_id = loan.customer_id
    left join standing_order on customer.customer_id = standing_order.customer_id
    left join assessment on customer.customer_id = assessment.customer_id
    left join manager on customer.customer_id = manager.customer_id
)

{{ levels('known') }}
