{# Indicators that are made of other indicators: no fact is read again. Their families name what they are made of.

   derived(['ind_transaction', 'ind_card']), with the family
       {name: cash_out_share, aggregate: share, numerator: [cash_out_amount], denominator: [transaction_out_amount],
        windows: [90], …}
   -> select as_of_date, customer_id,
          (cash_out_amount_90d / nullif(transaction_out_amount_90d, 0))::double precision as cash_out_share_90d, …
      from the population, joined with those models
   Indicators' names are unique over all models, so no alias is needed. A division by zero gives null. #}
{% macro derived(models) -%}
    {%- set known = indicator_families() -%}
    select
        as_of_date,
        customer_id,
        {%- for family in (config.get('meta') or {}).get('families', []) %}
        {%- for window in family['windows'] or [none] %}
        {% if is_left_out(family) -%} null {%- else -%} {{ derived_expression(family, window, known) }} {%- endif -%}
        ::double precision as {{ indicator_name(family, window) if window else family['name'] }},
        {%- endfor %}
        {%- endfor %}
        {{ build_columns() }}
    from {{ joined_indicators(models) }}
{%- endmacro %}

{# joined_indicators(['ind_card']) -> the population with those models beside it: every one of them is complete #}
{% macro joined_indicators(models) -%}
    {{ current('ind_holding') }} as holding
    {%- for model in models if model != 'ind_holding' %}
    inner join {{ current(model) }} as {{ model }} using (as_of_date, customer_id)
    {%- endfor %}
{%- endmacro %}

{# wide(models, feature_only=true) -> select all indicators of the population, in the order of the models, hidden ones
   left out #}
{% macro wide(models, feature_only=false) -%}
    {%- set known = indicator_families() -%}
    {%- for family in known.values() if family['model'] in models and not family.get('hidden') -%}
        {%- if family.get('feature') or not feature_only -%}
            {%- for window in family['windows'] or [none] %}
        {{ indicator_name(family, window) if window else family['name'] }},
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{# is_left_out(family) -> whether this build, one for training, doesn't need it #}
{% macro is_left_out(family) -%}
    {{ return(not family.get('feature') and var('as_of_dates') | length > 0) }}
{%- endmacro %}

{# indicator_families() -> {'cash_out_amount': {…, 'model': 'ind_transaction'}, …}, every family of every model, known
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

{# indicator_column('cash_out_amount', 90, known) -> cash_out_amount_90d; a level or a recency has no window #}
{% macro indicator_column(name, window, known) -%}
    {%- if name not in known -%}
        {{ exceptions.raise_compiler_error("indicator " ~ name ~ " is unknown: `bankmart check` says where it is named") }}
    {%- endif -%}
    {{ indicator_name(known[name], window) if known[name]['windows'] else name }}
{%- endmacro %}

{# derived_expression(family, 90, known) -> the SQL of one indicator; families are described in docs/indicators.md #}
{% macro derived_expression(family, window, known) -%}
    {%- set aggregate = family['aggregate'] -%}
    {%- if aggregate in ('ratio', 'share') -%}
        {{ added_up(family['numerator'], window, known) }}::double precision
        / nullif({{ added_up(family['denominator'], window, known) }}, 0)
    {%- elif aggregate in ('trend', 'difference') -%}
        {%- set now = span(family['of'], 0, window, known) -%}
        {%- set before = span(family['of'], window, 2 * window, known) -%}
        ({{ now ~ '::double precision / nullif(' ~ before ~ ', 0) - 1' if aggregate == 'trend' else now ~ ' - ' ~ before }})
    {%- elif aggregate in ('regularity', 'variation') -%}
        {%- set third = window // 3 -%}
        {%- set spans = [] -%}
        {%- for end in [third, 2 * third, window] -%}
            {%- do spans.append(span(family['of'], end - third, end, known)) -%}
        {%- endfor -%}
        {%- if aggregate == 'regularity' -%}
            (({{ spans | join(' > 0)::integer + (') }} > 0)::integer)
        {%- else -%}
            {%- set mean = '(' ~ indicator_column(family['of'], window, known) ~ ' / 3.0::double precision)' -%}
            (sqrt((power({{ spans | join(' - ' ~ mean ~ ', 2) + power(') }} - {{ mean }}, 2)) / 3) / nullif({{ mean }}, 0))
        {%- endif -%}
    {%- elif aggregate in ('entropy', 'diversity', 'concentration') -%}
        {%- set kinds = [] -%}
        {%- for name in family['over'] -%}
            {%- do kinds.append(indicator_column(name, window, known)) -%}
        {%- endfor -%}
        {%- set whole = 'nullif(' ~ kinds | join(' + ') ~ ', 0)' -%}
        {%- if aggregate == 'diversity' -%}
            (({{ kinds | join(' > 0)::integer + (') }} > 0)::integer)
        {%- elif aggregate == 'concentration' -%}
            (({{ square_sum(kinds) }}) / power({{ whole }}, 2))
        {%- else -%}
            (
            {%- for kind in kinds %}
            {{ '+ ' if not loop.first }}coalesce({{ share_of(kind, whole) }} * -ln(nullif({{ share_of(kind, whole) }}, 0)), 0 * {{ whole }})
            {%- endfor %}
            )
        {%- endif -%}
    {%- else -%}
        {{ exceptions.raise_compiler_error("family " ~ family['name'] ~ ": aggregate " ~ aggregate ~ " is unknown here") }}
    {%- endif -%}
{%- endmacro %}
