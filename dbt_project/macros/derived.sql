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
    {%- set computed = _computed_families() -%}
    select
        customer_id,
        as_of_date,
        {%- for family in (config.get('meta') or {}).get('families', []) %}
        {%- for window in family['windows'] or [none] %}
        {{ derived_expression(family, window, known) if family in computed else 'null' }}::double precision
            as {{ family_column(family, window) }},
        {%- endfor %}
        {%- endfor %}
        {{ build_columns() }}
    from {{ joined_indicators(models) }}
{%- endmacro %}

{# levels('known') -> select as_of_date, customer_id, and of that CTE every column of the model's families, with its type;
   null where the build is one for training and the family no feature #}
{% macro levels(relation) -%}
    {%- set computed = _computed_families() -%}
    select
        customer_id,
        as_of_date,
        {%- for family in (config.get('meta') or {}).get('families', []) %}
        {%- for window in family['windows'] or [none] %}
        {{ family_column(family, window) if family in computed else 'null' }}::{{ family_type(family) }}
            as {{ family_column(family, window) }},
        {%- endfor %}
        {%- endfor %}
        {{ build_columns() }}
    from {{ relation }}
{%- endmacro %}

{# wide(['ind_card', …], 'feature') -> select customer_id, as_of_date, all indicators of those models that are features,
   subject by subject; without the second argument all but the hidden ones #}
{% macro wide(models, only=none) -%}
    {%- set subjects = [
        'asset', 'flow', 'transaction', 'card', 'app', 'wealth', 'loan', 'holding', 'service', 'campaign',
    ] -%}
    {%- set known = indicator_families() -%}
    select
        customer_id,
        as_of_date,
        {%- for subject in subjects %}
        {%- for family in known.values() if family['subject'] == subject and family['model'] in models %}
        {%- if not family.get('hidden') and (only is none or family.get(only)) %}
        {%- for window in family['windows'] or [none] %}
        {{ family_column(family, window) }},
        {%- endfor %}
        {%- endif %}
        {%- endfor %}
        {%- endfor %}
        {{ build_columns() }}
    from {{ joined_indicators(models) }}
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

{# family_column(family, 30) -> cash_out_share_30d; a level or a recency has no window in its name #}
{% macro family_column(family, window) -%}
    {{ indicator_name(family, window) if family['windows'] else family['name'] }}
{%- endmacro %}

{# family_type(family) -> integer for what is counted or in days, double precision for everything else #}
{% macro family_type(family) -%}
    {{ 'integer' if family['aggregate'] == 'level' and family['unit'] in ('pieces', 'days') else 'double precision' }}
{%- endmacro %}

{# derived_expression(family, 90, known) -> the SQL of one indicator #}
{% macro derived_expression(family, window, known) -%}
    {%- set aggregate = family['aggregate'] -%}
    {%- if aggregate in ('ratio', 'share') -%}
        ({{ _total(family['numerator'], window, known) }}::double precision
        / nullif({{ _total(family['denominator'], window, known) }}, 0))
    {%- elif aggregate in ('trend', 'difference') -%}
        {%- set now = _span(family['of'], 0, window, known) -%}
        {%- set before = _span(family['of'], window, 2 * window, known) -%}
        {%- if aggregate == 'trend' -%}
            ({{ now }}::double precision / nullif({{ before }}, 0) - 1)
        {%- else -%}
            ({{ now }} - {{ before }})
        {%- endif -%}
    {%- elif aggregate in ('regularity', 'variation') -%}
        {{ _over_thirds(family, window, known) }}
    {%- elif aggregate in ('entropy', 'diversity', 'concentration') -%}
        {{ _over_kinds(family, window, known) }}
    {%- else -%}
        {{ exceptions.raise_compiler_error("family " ~ family['name'] ~ ": aggregate " ~ aggregate ~ " is unknown here") }}
    {%- endif -%}
{%- endmacro %}

{# Entropy −Σ p ln p, number of kinds, Herfindahl index Σ p² of the shares p of some indicators in their sum. #}
{% macro _over_kinds(family, window, known) -%}
    {%- set total = 'nullif(' ~ _total(family['over'], window, known) ~ ', 0)' -%}
    {%- set terms = [] -%}
    {%- for name in family['over'] -%}
        {%- set kind = _column(name, window, known) -%}
        {%- set share = '(' ~ kind ~ '::double precision / ' ~ total ~ ')' -%}
        {%- if family['aggregate'] == 'diversity' -%}
            {%- do terms.append('(' ~ kind ~ ' > 0)::integer') -%}
        {%- elif family['aggregate'] == 'concentration' -%}
            {%- do terms.append(share ~ ' ^ 2') -%}
        {%- else -%}
            {#- A kind without rows adds nothing; null stays null. -#}
            {%- do terms.append('-(' ~ share ~ ' * ln(case when ' ~ kind ~ ' > 0 then ' ~ share ~ ' else 1 end))') -%}
        {%- endif -%}
    {%- endfor -%}
    ({{ terms | join(' + ') }})
{%- endmacro %}

{# In how many thirds of the window something was there; standard deviation of the thirds against their mean. #}
{% macro _over_thirds(family, window, known) -%}
    {%- set third = window // 3 -%}
    {%- set mean = '(' ~ _column(family['of'], window, known) ~ ' / 3::double precision)' -%}
    {%- set terms = [] -%}
    {%- for end in [third, 2 * third, window] -%}
        {%- set span = _span(family['of'], end - third, end, known) -%}
        {%- do terms.append(
            '(' ~ span ~ ' > 0)::integer' if family['aggregate'] == 'regularity' else '(' ~ span ~ ' - ' ~ mean ~ ') ^ 2'
        ) -%}
    {%- endfor -%}
    {%- if family['aggregate'] == 'regularity' -%}
        ({{ terms | join(' + ') }})
    {%- else -%}
        (sqrt(({{ terms | join(' + ') }}) / 3) / nullif({{ mean }}, 0))
    {%- endif -%}
{%- endmacro %}

{# _span('cash_out_amount', 30, 60, known) -> what the 60 days have that the last 30 have not, to the cent #}
{% macro _span(name, newest, oldest, known) -%}
    {%- set whole = _column(name, oldest, known) -%}
    {%- if not newest -%}
        {{ whole }}
    {%- elif known[name]['aggregate'] == 'sum' -%}
        (round(({{ whole }} - {{ _column(name, newest, known) }}) * 100) / 100)
    {%- else -%}
        ({{ whole }} - {{ _column(name, newest, known) }})
    {%- endif -%}
{%- endmacro %}

{# _total(['salary_in_amount', 'cash_in_amount'], 30, known) -> (salary_in_amount_30d + cash_in_amount_30d) #}
{% macro _total(names, window, known) -%}
    {%- set columns = [] -%}
    {%- for name in names -%}
        {%- do columns.append(_column(name, window, known)) -%}
    {%- endfor -%}
    ({{ columns | join(' + ') }})
{%- endmacro %}

{% macro _column(name, window, known) -%}
    {%- if name not in known -%}
        {{ exceptions.raise_compiler_error("indicator " ~ name ~ " is unknown: `bankmart check` says where it is named") }}
    {%- endif -%}
    {{ family_column(known[name], window) }}
{%- endmacro %}
