{# The SQL of an indicator that is made of other indicators. A division by zero gives null. #}

{% macro is_derived(family) -%}
    {{ return(family['aggregate'] not in ('sum', 'count', 'recency', 'level')) }}
{%- endmacro %}

{# averages() -> the aggregates that are made of levels and flows, and that others are made of #}
{% macro averages() -%}
    {{ return(('average', 'change')) }}
{%- endmacro %}

{# derived_columns(family, known) -> (…)::double precision as cash_out_share_90d, … for all its windows #}
{% macro derived_columns(family, known) -%}
    {%- for name, window in family_columns(family) -%}
    {{ derived_expression(family, window, known) if is_computed(family) else 'null' }}::double precision as {{ name }},
    {% endfor -%}
{%- endmacro %}

{# derived_expression(family, 90, known) -> the SQL of one indicator #}
{% macro derived_expression(family, window, known) -%}
    {%- set aggregate = family['aggregate'] -%}
    {%- if aggregate in ('ratio', 'share') -%}
        ({{ _total(family['numerator'], window, known) }}::double precision
        / nullif({{ _total(family['denominator'], window, known) }}, 0))
    {%- elif aggregate == 'average' -%}
        {{ _average(family, window, known) }}
    {%- elif aggregate == 'change' -%}
        {%- set net = _column(family['net'], window, known) -%}
        ({{ net }} / nullif(abs(round(({{ family['of'] }} - {{ net }}) * 100) / 100), 0))
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

{# A balance's mean over the days' ends: what it is, less what moved since. A change on the window's k-th day was missing
   on the k − 1 days before it; `moment` has the changes times their days since 2020-01-01. #}
{% macro _average(family, window, known) -%}
    {%- set first = '(as_of_date - ' ~ (window - 1) ~ " - date '2020-01-01')" -%}
    {%- set net, moment = _column(family['net'], window, known), _column(family['moment'], window, known) -%}
    (round(({{ family['of'] }} - ({{ moment }} - {{ net }} * {{ first }}) / {{ window }}) * 100) / 100 + 0)
{%- endmacro %}

{# Entropy −Σ p ln p, number of kinds, Herfindahl index Σ p² of the shares p of some indicators in their sum. #}
{% macro _over_kinds(family, window, known) -%}
    {%- set total = 'nullif(' ~ _kinds_total(family['over'], window, known) ~ ', 0)' -%}
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

{# kinds_totals(known) -> (dining_30d + travel_30d) as total_1f…, … for whatever shares are taken of: added up once a row,
   where every term of an entropy would do it anew #}
{% macro kinds_totals(known) -%}
    {%- set said = {} -%}
    {%- for family in known.values() if family['aggregate'] in ('entropy', 'concentration') and is_computed(family) -%}
        {%- for name, window in family_columns(family) -%}
            {%- do said.update({_kinds_total(family['over'], window, known): _total(family['over'], window, known)}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for name, total in said.items() %}
    {{ total }} as {{ name }},
    {%- endfor %}
{%- endmacro %}

{% macro _kinds_total(names, window, known) -%}
    {{ return('total_' ~ local_md5(_total(names, window, known))[:12]) }}
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
