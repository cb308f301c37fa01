{# delivered_balances() -> (position_id, customer_id, balance_date, balance_amount, business_date: all balances ever
   delivered, of accounts and of wealth positions; an account's owner is known from the account) #}
{% macro delivered_balances() -%}
    (
        select
            account_id as position_id,
            null::text as customer_id,
            balance_date,
            balance_amount,
            business_date
        from {{ ref('stg_core_banking__balance') }}

        union all

        select
            customer_id || '/' || product_id as position_id,
            customer_id,
            position_date as balance_date,
            market_value_amount as balance_amount,
            business_date
        from {{ ref('stg_wealth__position') }}
    )
{%- endmacro %}

{# asset_class('product_line') -> deposit, wealth or credit; null where the line is unknown #}
{% macro asset_class(product_line) -%}
    case
        when {{ product_line }} in ('current', 'savings', 'term_deposit') then 'deposit'
        when {{ product_line }} in ('wealth', 'fund', 'insurance') then 'wealth'
        when {{ product_line }} is not null then 'credit'
    end
{%- endmacro %}
