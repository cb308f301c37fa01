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
