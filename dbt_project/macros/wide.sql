{# Indicators that are made of other indicators, and the tables that hold many of them. No fact is read again.

   derived(['ind_transaction', 'ind_card']), with the family
       {name: cash_out_share, aggregate: share, numerator: [cash_out_amount], denominator: [transaction_out_amount],
        windows: [90], …}
   -> select as_of_date, customer_id,
          (cash_out_amount_90d::double precision / nullif(transaction_out_amount_90d, 0))::double precision
              as cash_out_share_90d, …
      from the population, joined with those models
   Indicators' names are unique over all models, so no alias is needed. A division by zero gives null. #}
{% macro derived(models) -%}
    {%- set known = indicator_families() -%}
    select
        customer_id,
        as_of_date,
        {%- for family in (config.get('meta') or {}).get('families', []) %}
        {%- for window in family['windows'] or [none] %}
        {{ derived_expression(family, window, known) if is_computed(family) else 'null' }}::double precision
            as {{ family_column(family, window) }},
        {%- endfor %}
        {%- endfor %}
        {{ build_columns() }}
    from {{ joined_indicators(models) }}
{%- endmacro %}

{# levels('known') -> select as_of_date, customer_id, and of that CTE every column of the model's families, with its type;
   null where the build is one for training and the family no feature #}
{% macro levels(relation) -%}
    select
        customer_id,
        as_of_date,
        {%- for family in (config.get('meta') or {}).get('families', []) %}
        {%- for window in family['windows'] or [none] %}
        {{ family_column(family, window) if is_computed(family) else 'null' }}::{{ family_type(family) }}
            as {{ family_column(family, window) }},
        {%- endfor %}
        {%- endfor %}
        {{ build_columns() }}
    from {{ relation }}
{%- endmacro %}

{# wide_columns('feature') -> all indicators that are features, subject by subject, each with a comma behind it; without
   the argument all but the hidden ones #}
{% macro wide_columns(only=none) -%}
    {%- set known = indicator_families() -%}
    {%- for subject in indicator_subjects() %}
    {%- for family in known.values() if family['subject'] == subject and not family.get('hidden') %}
    {%- if only is none or family.get(only) %}
    {%- for window in family['windows'] or [none] %}
    {{ family_column(family, window) }},
    {%- endfor %}
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
{%- endmacro %}

{% macro indicator_subjects() -%}
    {{ return(['asset', 'flow', 'transaction', 'card', 'app', 'wealth', 'loan', 'holding', 'service', 'campaign']) }}
{%- endmacro %}

{# Every ind_ model: dbt has to know what a model reads before it knows the families. #}
{% macro indicator_models() -%}
    {{ return([
        'ind_holding', 'ind_balance', 'ind_flow', 'ind_transaction', 'ind_card', 'ind_session', 'ind_app_event',
        'ind_wealth', 'ind_repayment', 'ind_interaction', 'ind_feedback', 'ind_survey', 'ind_contact', 'ind_response',
        'ind_lead', 'ind_opportunity', 'ind_sale', 'ind_ratio', 'ind_trend', 'ind_diversity', 'ind_regularity',
    ]) }}
{%- endmacro %}

{# joined_indicators(['ind_card']) -> the population with those models beside it: every one of them is complete #}
{% macro joined_indicators(models) -%}
    {{ current('ind_holding') }} as ind_holding
    {%- for model in models if model != 'ind_holding' %}
    inner join {{ current(model) }} as {{ model }} using (customer_id, as_of_date)
    {%- endfor %}
{%- endmacro %}

{# indicator_families() -> {'cash_out_amount': {…, 'model': 'ind_transaction'}, …}: the families of all models, known
   while dbt executes #}
{% macro indicator_families() -%}
    {%- set known = {} -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
            {%- for family in node.config.meta.get('families', []) -%}
                {%- do known.update({family['name']: dict(family, model=node.name)}) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(known) }}
{%- endmacro %}

{# is_computed(family) -> whether this build needs it: one for training needs features alone #}
{% macro is_computed(family) -%}
    {{ return(var('build_kind', 'daily') == 'daily' or family.get('feature', false)) }}
{%- endmacro %}

{# family_column(family, 30) -> cash_out_share_30d; a level or a recency has no window in its name #}
{% macro family_column(family, window) -%}
    {{ indicator_name(family, window) if family['windows'] else family['name'] }}
{%- endmacro %}

{# family_type(family) -> integer for what is counted or in days, double precision for everything else #}
{% macro family_type(family) -%}
    {{ 'integer' if family['aggregate'] == 'level' and family['unit'] in ('pieces', 'days') else 'double precision' }}
{%- endmacro %}

